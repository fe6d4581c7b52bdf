"""Running a server as another user when the stack itself runs as root, which PostgreSQL refuses to."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from shopsphere_kit.errors import FailedPrecondition

SERVER_USER = "pgserver"


def server_user() -> str | None:
    """Return the user to run as: None, meaning ourselves, unless we are root; makes the user when it is missing."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        _add_user()
    return SERVER_USER


def _add_user() -> None:
    useradd = shutil.which("useradd")
    if useradd is None:
        raise FailedPrecondition(
            f"PostgreSQL does not run as root, and there is no useradd to make the user {SERVER_USER}; "
            "start the stack as an ordinary user",
            reason="root_not_supported",
        )
    subprocess.run([useradd, "--system", "--shell", "/bin/sh", SERVER_USER], check=True, capture_output=True)  # noqa: S603


def let_through(path: Path) -> None:
    """Let every user pass (not list) the folders above `path`, as a server under another user must."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def give(path: Path, user: str) -> None:
    """Make a folder the user's own and nobody else's."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    entry = pwd.getpwnam(user)
    os.chown(path, entry.pw_uid, entry.pw_gid)
