"""A random key in a file: what a development stack uses where an operator would set a secret."""

import os
import secrets
from pathlib import Path

from customer360.errors import StoreUnusable
from customer360.settings import KEY_CHARS_MIN

# 256 bits, as many as the HMAC's digest has.
KEY_BYTES = 32


def kept_key(file: Path) -> bytes:
    """The key in the file, made with mode 0600 when it is not there; raises `StoreUnusable`.

    Of several processes that make it at once, one wins and all have its key.
    """
    if not file.exists():
        _make(file)
    key = file.read_bytes().strip()
    if len(key) < KEY_CHARS_MIN:
        raise StoreUnusable(f"{file.name} holds no key of {KEY_CHARS_MIN} characters; remove it and load again")
    return key


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(secrets.token_hex(KEY_BYTES) + "\n")
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
