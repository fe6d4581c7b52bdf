"""Who was forgotten: marks of people, kept as HMAC-SHA256 under a key outside the lake. Pure.

A mark is what names a person: the id of a source's user, an e-mail address, a phone. From an entry nobody learns the
mark; whoever holds the key can tell whether a mark is among the entries, and that is all that ingest has to know.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

# Kinds of marks. The first two are users of a source and are named like it; the others are ways to reach a person.
SHOP, MARKETPLACE = "shop", "marketplace"
EMAIL, PHONE, LOYALTY_NUMBER, CARD_TOKEN = "email", "phone", "loyalty_number", "card_token"
USERS = (SHOP, MARKETPLACE)
# Stands among the entries, so that a key that is not the one they were made with is noticed.
KEY_CHECK = ("key", "check")
KEY_BYTES_MIN = 32  # what RFC 2104 advises for HMAC-SHA256: not less than the hash
_REMEMBERED = 200_000  # answers kept in memory: more users than change between two commits
_NATIONAL_DIGITS = 10


@dataclass(frozen=True, order=True)
class Mark:
    """What names a person, in its normal spelling."""

    kind: str
    value: str = field(repr=False)


class Forgotten(Protocol):
    """Tells whether a mark is one of somebody who was forgotten."""

    def __contains__(self, mark: object, /) -> bool:
        """Whether it is."""
        ...

    def __len__(self) -> int:
        """How many marks there are; none when nobody was forgotten."""
        ...


class Suppressions:
    """Entries and the key they were made with. `fits` is False when the key is another one."""

    def __init__(self, key: bytes, entries: Iterable[str] = ()) -> None:
        self._key, self._entries = key, frozenset(entries)
        self.fits = not self._entries or entry(key, Mark(*KEY_CHECK)) in self._entries
        self._holds = lru_cache(_REMEMBERED)(lambda mark: entry(key, mark) in self._entries)

    def __reduce__(self) -> tuple[type["Suppressions"], tuple[bytes, frozenset[str]]]:
        # So that Spark's workers get it; what is remembered stays behind.
        return Suppressions, (self._key, self._entries)

    def __contains__(self, mark: object, /) -> bool:
        """See Forgotten."""
        return isinstance(mark, Mark) and self._holds(mark)

    def __len__(self) -> int:
        """See Forgotten."""
        return len(self._entries)


def entry(key: bytes, mark: Mark) -> str:
    """The HMAC of a mark, in hex."""
    return hmac.digest(key, f"{mark.kind}\0{mark.value}".encode(errors="surrogatepass"), "sha256").hex()


def mark_of(kind: str, value: object) -> Mark | None:
    """The mark that a value of that kind makes; None when it names nobody."""
    text = "" if value is None else str(value).strip()
    normal = {EMAIL: _email, PHONE: e164, LOYALTY_NUMBER: str.upper}.get(kind, str)(text)
    return Mark(kind, normal) if normal else None


def _email(text: str) -> str:
    return text.lower() if "@" in text else ""


def e164(phone: str) -> str:
    """The number as `+` and digits, by the rules of `transform.columns.e164`; empty when it is none.

    '(212) 555-0187 x12' → '+12125550187'
    """
    main = re.sub(r"\s*(x|ext|#).*$", "", phone.strip().lower())
    digits = re.sub("^00", "", re.sub("[^0-9]", "", main))
    if re.fullmatch("1[0-9]{10}", digits):
        return f"+{digits}"
    if not main.startswith("+") and len(digits) == _NATIONAL_DIGITS:
        return f"+1{digits}"
    return f"+{digits}" if main.startswith(("+", "00")) and 8 <= len(digits) <= 15 else ""
