"""A PostgreSQL database: published tables are copied once, then followed through one logical replication slot."""

import select
import time
from collections.abc import Sequence
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2.extensions import connection
from psycopg2.extras import LogicalReplicationConnection
from shopsphere_kit.logging import get_logger

from ingest import pgoutput
from ingest.batch import Batch, Pace
from ingest.errors import SourceUnavailable
from ingest.position import PostgresPosition
from ingest.sources.filling import Filling
from ingest.sources.postgres_catalog import (
    PostgresServer,
    PublishedTable,
    ensure_publication,
    ensure_slot,
    published_tables,
    translated,
)
from ingest.sources.postgres_copy import Snapshot
from ingest.sources.source import Positions
from ingest.sources.transactions import Transactions

# The server drops a silent reader after wal_sender_timeout, 60 s by default.
FEEDBACK_SECONDS = 5.0
# A table that joins the publication is copied within this time, even when nothing changes in it.
TABLES_LOOK_SECONDS = 5.0

_log = get_logger(__name__)


class PostgresDatabase:
    """Reads all tables of one publication; each table's own position decides what it skips of the common stream."""

    def __init__(self, database: str, publication: str, slot: str, server: PostgresServer) -> None:
        self._name = f"postgres:{database}"
        self._publication = publication
        self._slot = slot
        self._server = server
        self._session: connection | None = None
        self._snapshot: Snapshot | None = None
        self._uncopied: list[PublishedTable] = []
        self._replication: LogicalReplicationConnection | None = None
        self._cursor: Any = None
        self._transactions = Transactions({})
        self._positions: Positions = lambda _: None
        self._flushed = 0
        self._told_at = 0.0
        self._looked_at = 0.0

    @property
    def name(self) -> str:
        """See Source."""
        return self._name

    @property
    def fixed_tables(self) -> dict[str, pa.Schema]:
        """See Source; the columns are known once the server was asked."""
        return {}

    def open(self, positions: Positions) -> None:
        """See Source; makes publication and slot when they are missing, and a snapshot when a table has no position."""
        self._positions = positions
        with translated(self._name):
            self._session = self._server.query()
            self._session.set_session(autocommit=True)
            ensure_publication(self._session, self._publication)
            tables = published_tables(self._session, self._publication)
            recorded = {table.bronze: positions(table.bronze) for table in tables}
            followed = [name for name, position in recorded.items() if position is not None]
            ensure_slot(self._session, self._slot, followed=followed)
            self._transactions = Transactions({table.bronze: table.primary_key for table in tables})
            for name, position in recorded.items():
                if isinstance(position, PostgresPosition):
                    self._transactions.skip_before(name, position.lsn)
            self._uncopied = [table for table in tables if recorded[table.bronze] is None]
            if self._uncopied:
                self._snapshot = Snapshot(self._server, self._slot)
        self._flushed, self._looked_at = 0, time.monotonic()

    def read(self, pace: Pace) -> Sequence[Batch]:
        """See Source; one table per call while copying."""
        with translated(self._name):
            if self._uncopied and self._snapshot:
                return [self._copy(self._uncopied.pop(0), self._snapshot)]
            if self._cursor is None:
                self._start()
            self._receive(pace)
            self._look_for_tables()
        return self._transactions.take()

    def acknowledge(self) -> None:
        """See Source; the slot moves past what is committed, and past what concerns no published table."""
        if self._cursor is None:
            return
        committed = self._transactions.end_lsn
        if not self._transactions.in_progress:
            # All that the server has looked at until here was sent and is committed: idle tables hold nothing back.
            committed = max(committed, self._cursor.wal_end)
        with translated(self._name):
            self._tell(committed)

    def close(self) -> None:
        """See Source."""
        for closing in (self._snapshot, self._replication, self._session):
            try:
                if closing is not None:
                    closing.close()
            except psycopg2.Error as error:
                _log.info("connection was already broken", error=type(error).__name__)
        self._snapshot = self._replication = self._session = self._cursor = None

    def _copy(self, table: PublishedTable, snapshot: Snapshot) -> Batch:
        _log.info("copying table", table=table.source)
        position = PostgresPosition(snapshot.consistent_point)
        self._transactions.skip_before(table.bronze, position.lsn)
        return Batch(table.bronze, table.source, snapshot.chunks(table), position)

    def _start(self) -> None:
        if self._snapshot:
            self._snapshot.close()
            self._snapshot = None
        self._replication = self._server.replication()
        cursor = self._replication.cursor()
        cursor.start_replication(
            slot_name=self._slot,
            decode=False,
            options={"proto_version": "1", "publication_names": self._publication},
        )
        self._cursor = cursor
        _log.info("streaming", slot=self._slot)

    def _receive(self, pace: Pace) -> None:
        filling = Filling(pace)
        while (left := filling.seconds_left) > 0:
            before = self._transactions.waiting_rows
            message = self._cursor.read_message()
            if message is None:
                self._tell(self._flushed)
                select.select([self._cursor], [], [], min(left, 0.1))
                continue
            self._accept(pgoutput.decode(message.payload))
            filling.add(self._transactions.waiting_rows - before, len(message.payload))

    def _accept(self, message: pgoutput.Message) -> None:
        if isinstance(message, pgoutput.Relation) and not self._transactions.knows(message):
            # A table that joined the publication: opening again copies it. One that is gone has no copy to take.
            if self._is_published(message):
                raise SourceUnavailable(f"{self._name}: table {message.name} joined the publication; opening again")
            _log.warning("changes of a table that is no longer published", table=message.name)
            adopted = self._transactions.adopt(message)
            if isinstance(recorded := self._positions(adopted), PostgresPosition):
                self._transactions.skip_before(adopted, recorded.lsn)
        self._transactions.accept(message)

    def _look_for_tables(self) -> None:
        if time.monotonic() - self._looked_at < TABLES_LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        new = [table.source for table in self._published() if not self._transactions.has(table.bronze)]
        if new:
            raise SourceUnavailable(f"{self._name}: {', '.join(new)} joined the publication; opening again")

    def _is_published(self, relation: pgoutput.Relation) -> bool:
        return any((table.namespace, table.name) == (relation.namespace, relation.name) for table in self._published())

    def _published(self) -> list[PublishedTable]:
        if self._session is None:
            raise SourceUnavailable(f"{self._name} is not open")
        return published_tables(self._session, self._publication)

    def _tell(self, lsn: int) -> None:
        moved = lsn > self._flushed
        if not moved and time.monotonic() - self._told_at < FEEDBACK_SECONDS:
            return
        self._flushed = max(lsn, self._flushed)
        self._cursor.send_feedback(
            write_lsn=self._flushed, flush_lsn=self._flushed, apply_lsn=self._flushed, force=True
        )
        self._told_at = time.monotonic()
