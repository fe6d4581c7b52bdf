"""A PostgreSQL database: published tables are copied once, then followed through one logical replication slot."""

import select
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2
import pyarrow as pa
from psycopg2 import errors
from psycopg2.extensions import connection
from psycopg2.extras import LogicalReplicationConnection
from shopsphere_kit.logging import get_logger

from ingest import pgoutput
from ingest.batch import Batch, Pace
from ingest.errors import SourceUnavailable, WriterFenced
from ingest.position import Position, PostgresPosition
from ingest.sources.filling import Filling
from ingest.sources.postgres_catalog import (
    PostgresServer,
    PublishedTable,
    confirmed_lsn,
    ensure_publication,
    ensure_slot,
    published_tables,
    translated,
)
from ingest.sources.postgres_copies import Copies
from ingest.sources.source import Positions
from ingest.sources.transactions import NEVER, START, Transactions
from ingest.tables import postgres_table

# The server drops a silent reader after wal_sender_timeout, 60 s by default.
FEEDBACK_SECONDS = 5.0
# A table that joins the publication is copied within this time, even when nothing changes in it.
TABLES_LOOK_SECONDS = 5.0
# The place in the log is recorded so often while nothing but foreign log passes: each time is a commit.
HEARTBEAT_SECONDS = 5.0
# A server believes in a reader that is gone for wal_sender_timeout, 60 s by default.
BUSY_SECONDS = 90.0
# Messages between two looks at the clock.
MESSAGES_PER_LOOK = 256

_log = get_logger(__name__)


class PostgresDatabase:
    """Reads all tables of one publication; each table's own position decides what it skips of the common stream."""

    def __init__(self, database: str, publication: str, slot: str, server: PostgresServer, copies: int = 2) -> None:
        """Take how many tables are copied beside each other."""
        self._name = f"postgres:{database}"
        self._publication = publication
        self._slot = slot
        self._server = server
        self._session: connection | None = None
        self._copies = Copies(server, publication, slot, copies)
        self._replication: LogicalReplicationConnection | None = None
        self._cursor: Any = None
        self._transactions = Transactions({})
        self._positions: Positions = lambda _: None
        # Up to where some table records that the stream was read; the slot is never confirmed beyond it.
        self._recorded = self._committing = self._flushed = 0
        self._told_at = self._looked_at = self._beaten_at = 0.0
        self._busy_since: float | None = None

    @property
    def name(self) -> str:
        """See Source."""
        return self._name

    @property
    def fixed_tables(self) -> dict[str, pa.Schema]:
        """See Source; the columns are known once the server was asked."""
        return {}

    def open(self, positions: Positions) -> None:
        """See Source; makes publication and slot when they are missing, and a snapshot when a table is to be copied."""
        self._positions = positions
        with translated(self._name):
            self._session = self._server.query()
            self._session.set_session(autocommit=True)
            ensure_publication(self._session, self._publication)
            tables = published_tables(self._session, self._publication)
            recorded = {table.bronze: _postgres(positions(table.bronze)) for table in tables}
            followed = [name for name, at in recorded.items() if at is not None]
            furthest = max((at.lsn for at in recorded.values() if at is not None), default=0)
            ensure_slot(self._session, self._slot, followed=followed, recorded=furthest)
            # A copy's position may be ahead of the stream, so this begins where the slot is.
            self._recorded, self._committing = confirmed_lsn(self._session, self._slot) or 0, 0
            waiting = [(table, at) for table in tables if (at := recorded[table.bronze]) is None or at.copying]
            self._follow({table.bronze: table for table in tables}, recorded)
            self._copies.open(waiting)
            if len(waiting) < len(tables) or not tables:
                self._start()
        self._looked_at = time.monotonic()

    def read(self, pace: Pace) -> Sequence[Batch]:
        """See Source; tables that are copied come part by part, beside the changes of the others."""
        with translated(self._name):
            if self._has_new_tables():
                # The stream begins anew: it is theirs as well now, from where their copies were taken.
                self.close()
                self.open(self._positions)
            parts = self._copies.parts(seconds=0.0 if self._cursor else pace.seconds)
            if self._cursor is None:
                return parts
            self._receive(pace)
        batches = self._transactions.take(parts=self._transactions.open_bytes >= pace.size) or self._heartbeat()
        known = [batch for batch in batches if self._transactions.is_published(batch.table)]
        self._committing = max((at.lsn for batch in known if (at := _postgres(batch.position))), default=0)
        return [*parts, *batches]

    def acknowledge(self) -> None:
        """See Source; the slot moves past what is committed, and past what concerns no published table."""
        if self._cursor is None:
            return
        self._recorded = max(self._recorded, self._committing)
        with translated(self._name):
            self._tell(self._copies.floor(self._recorded))

    def close(self) -> None:
        """See Source."""
        for closing in (self._copies, self._replication, self._session):
            try:
                if closing is not None:
                    closing.close()
            except psycopg2.Error as error:
                _log.info("connection was already broken", error=type(error).__name__)
        self._replication = self._session = self._cursor = None

    def _follow(self, tables: Mapping[str, PublishedTable], recorded: Mapping[str, PostgresPosition | None]) -> None:
        """Take changes of the tables that are copied; the others' come once they are."""
        self._flushed = 0
        self._transactions = Transactions({name: tables[name].primary_key for name in tables}, self._meet)
        for name, position in recorded.items():
            start = NEVER if position is None or position.copying else position
            self._transactions.start_at(name, start, tables[name].source)

    def _heartbeat(self) -> Sequence[Batch]:
        """Record, now and then, that the log was read to where the server is, so that idle tables hold nothing back."""
        reached = max(self._transactions.end_lsn, 0 if self._transactions.in_progress else self._cursor.wal_end)
        if reached <= self._recorded or time.monotonic() - self._beaten_at < HEARTBEAT_SECONDS:
            return []
        self._beaten_at = time.monotonic()
        beat = self._transactions.beat(reached)
        return [beat] if beat else []

    def _start(self) -> None:
        self._replication = self._server.replication()
        cursor = self._replication.cursor()
        try:
            cursor.start_replication(
                slot_name=self._slot,
                decode=False,
                options={"proto_version": "1", "publication_names": self._publication},
            )
        except errors.ObjectInUse as error:
            raise self._busy(error) from error
        self._cursor, self._busy_since = cursor, None
        _log.info("streaming", slot=self._slot)

    def _busy(self, error: psycopg2.Error) -> Exception:
        """What it means that somebody reads the slot: a killed reader that its server still believes in, or another."""
        self._busy_since = self._busy_since or time.monotonic()
        if time.monotonic() - self._busy_since < BUSY_SECONDS:
            return error
        return WriterFenced(
            f"{str(error).strip()}: another ingest reads it for {BUSY_SECONDS:g} s; stop one of the two",
            field=self._slot,
        )

    def _receive(self, pace: Pace) -> None:
        filling, transactions = Filling(pace), self._transactions
        read, accept = self._cursor.read_message, transactions.accept
        while (left := filling.seconds_left) > 0:
            rows, size = transactions.waiting_rows, transactions.waiting_bytes
            full, message = size + filling.bytes_left, None
            for _ in range(MESSAGES_PER_LOOK):
                message = read()
                if message is None:
                    break
                accept(message.payload)
                if transactions.waiting_bytes >= full:
                    break
            filling.add(transactions.waiting_rows - rows, transactions.waiting_bytes - size)
            if message is None:
                self._tell(self._flushed)
                select.select([self._cursor], [], [], min(left, 0.1))

    def _meet(self, relation: pgoutput.Relation) -> None:
        """Decide about a relation that came with a table or a key not known yet."""
        name = postgres_table(relation.namespace, relation.name)
        published = next((table for table in self._published() if table.bronze == name), None)
        if published is not None and self._transactions.has(name):
            self._transactions.rekey(name, published.primary_key)
        elif published is not None:
            raise SourceUnavailable(f"{self._name}: table {relation.name} joined the publication; opening again")
        else:
            # No copy can be taken of a table that is gone; its changes go on from what its bronze table has.
            _log.warning("changes of a table that is no longer published", table=relation.name)
            self._transactions.adopt(name, _postgres(self._positions(name)) or START)

    def _has_new_tables(self) -> bool:
        """Whether tables were copied that the stream leaves out, or joined the publication; never within something."""
        if self._transactions.in_progress or self._copies.active:
            return False
        return self._copies.ended or self._tables_joined()

    def _tables_joined(self) -> bool:
        if time.monotonic() - self._looked_at < TABLES_LOOK_SECONDS:
            return False
        self._looked_at = time.monotonic()
        return any(not self._transactions.has(table.bronze) for table in self._published())

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


def _postgres(position: Position | None) -> PostgresPosition | None:
    return position if isinstance(position, PostgresPosition) else None
