"""The initial copies of a database's tables: some at a time, under one snapshot."""

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack

from shopsphere_kit.logging import get_logger

from ingest.batch import Batch
from ingest.position import PostgresPosition
from ingest.sources.postgres_catalog import PostgresServer, PublishedTable
from ingest.sources.postgres_copy import TableCopy
from ingest.sources.postgres_snapshot import Snapshot

# A table to copy, and how far an earlier copy of it came.
Waiting = tuple[PublishedTable, PostgresPosition | None]

_log = get_logger(__name__)


class Copies:
    """Copies that wait and copies that run, so many beside each other."""

    def __init__(self, server: PostgresServer, publication: str, slot: str, at_once: int) -> None:
        self._server, self._publication, self._slot, self._at_once = server, publication, slot, at_once
        self._snapshot: Snapshot | None = None
        self._waiting: deque[Waiting] = deque()
        self._running: list[TableCopy] = []
        self._floor: int | None = None

    @property
    def active(self) -> bool:
        """Whether some table is not read to its end."""
        return bool(self._waiting or self._running)

    @property
    def ended(self) -> bool:
        """Whether there were tables to copy, and all of them are read."""
        return self._floor is not None and not self.active

    def open(self, waiting: Sequence[Waiting]) -> None:
        """Take a snapshot for these tables, if there are any; the largest come first."""
        self._waiting = deque(sorted(waiting, key=lambda each: -each[0].estimated_rows))
        if waiting:
            self._snapshot = Snapshot(self._server, self._slot)
            self._floor = min(at.lsn if at else self._snapshot.consistent_point for _, at in waiting)
            _log.info("copying tables", tables=len(waiting), at_once=self._at_once)

    def floor(self, lsn: int) -> int:
        """Up to where the stream may be confirmed: the copied tables still need what follows their snapshots."""
        return lsn if self._floor is None else min(lsn, self._floor)

    def parts(self, *, seconds: float) -> list[Batch]:
        """What the running copies have read by now; waits so long for the first of it."""
        self._begin()
        parts: list[Batch] = []
        for copy in list(self._running):
            part = copy.part(seconds=0.0 if parts else seconds / len(self._running))
            if part is not None:
                parts.append(part)
            if copy.is_read:
                copy.close()
                self._running.remove(copy)
        return parts

    def close(self) -> None:
        """Break off what runs, and let the server forget the snapshot."""
        running, snapshot = self._running, self._snapshot
        # Forgotten first: whatever goes wrong below, nothing of them may come after a new beginning.
        self._waiting, self._running, self._snapshot, self._floor = deque(), [], None, None
        with ExitStack() as closing:
            if snapshot is not None:
                closing.callback(snapshot.close)
            for copy in running:
                closing.callback(copy.close)

    def _begin(self) -> None:
        while self._snapshot and self._waiting and len(self._running) < self._at_once:
            table, position = self._waiting.popleft()
            session = self._snapshot.session_for(table, self._publication)
            self._running.append(TableCopy(self._snapshot, session, table, position))
