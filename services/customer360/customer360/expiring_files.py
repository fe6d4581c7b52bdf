"""Small records that lapse, one file each, in a folder that several processes share.

The name of a file is the record's; `take` claims a record by renaming it, so exactly one process has it.
"""

import json
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# A file that cannot be read may be one that another process is writing; after a day it is none.
UNREADABLE_KEPT = timedelta(days=1)


class ExpiringFiles:
    """JSON records with the time at which each lapses, readable by our own user alone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, name: str, expires_at: datetime, body: dict[str, Any]) -> None:
        """Keep a record; a reader sees all of it or nothing."""
        draft = self._directory / f"{name}.{secrets.token_hex(4)}.new"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({**body, "expires_at": expires_at.isoformat()}, file)
        draft.replace(self._directory / name)

    def holds(self, name: str) -> bool:
        """Whether the record is there, lapsed or not."""
        return (self._directory / name).exists()

    def take(self, name: str) -> tuple[dict[str, Any], datetime] | None:
        """The record and when it lapses, exactly once over all processes."""
        claimed = self._directory / f"{name}.{secrets.token_hex(4)}.taken"
        try:
            (self._directory / name).rename(claimed)
        except FileNotFoundError:
            return None
        body = json.loads(claimed.read_text())
        claimed.unlink()
        return body, datetime.fromisoformat(body["expires_at"])

    def sweep(self, now: datetime) -> None:
        """Remove what has lapsed, and what a process that was killed left half done."""
        for file in self._directory.iterdir():
            try:
                if file.is_file() and _lapses_at(file) <= now:
                    file.unlink(missing_ok=True)
            except FileNotFoundError:
                continue


def _lapses_at(file: Path) -> datetime:
    try:
        return datetime.fromisoformat(json.loads(file.read_text())["expires_at"])
    except (ValueError, KeyError, TypeError):
        return datetime.fromtimestamp(file.stat().st_mtime, UTC) + UNREADABLE_KEPT
