"""Sessions that were signed out: their cookies verify until they expire, so their ids are remembered for as long."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from customer360.expiring_files import ExpiringFiles


class EndedSessions(Protocol):
    """Ids of the sessions that are over before their time."""

    def add(self, session_id: str, expires_at: datetime) -> None:
        """Remember the id, at least until its cookie expires (UTC)."""
        ...

    def holds(self, session_id: str) -> bool:
        """Whether the session was signed out."""
        ...

    def sweep(self, now: datetime) -> None:
        """Forget the ids whose cookies have expired."""
        ...


class InMemoryEndedSessions:
    """Ids in a dictionary of one process."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def add(self, session_id: str, expires_at: datetime) -> None:
        """Remember the id."""
        self._until[session_id] = expires_at

    def holds(self, session_id: str) -> bool:
        """Whether the session was signed out."""
        return session_id in self._until

    def sweep(self, now: datetime) -> None:
        """Forget the ids whose cookies have expired."""
        self._until = {session_id: until for session_id, until in self._until.items() if until > now}


class FileEndedSessions:
    """Ids as names of files: they outlast a restart and hold for every replica on the folder."""

    def __init__(self, directory: Path) -> None:
        self._files = ExpiringFiles(directory)

    def add(self, session_id: str, expires_at: datetime) -> None:
        """Remember the id; other processes know it at once."""
        self._files.put(session_id, expires_at, {})

    def holds(self, session_id: str) -> bool:
        """Whether the session was signed out, in this process or another."""
        return self._files.holds(session_id)

    def sweep(self, now: datetime) -> None:
        """Forget the ids whose cookies have expired."""
        self._files.sweep(now)
