"""Where bronze rows go: each batch in one commit together with the position that follows it, or not at all."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
from shopsphere_kit.clock import Clock

from ingest import quarantine
from ingest.batch import Batch, Chunk, Rejected, reject_rows
from ingest.errors import IncompatibleSchema, WriterFenced
from ingest.iceberg_tables import IcebergTables
from ingest.tables import INGESTED_AT, QUARANTINE, QUARANTINE_SCHEMA

Fault = Callable[[str], None]
# The moments between two steps of an append, in order; tests stop the world at each.
STAGED, QUARANTINED, COMMITTED = "staged", "quarantined", "committed"


@dataclass(frozen=True)
class Appended:
    """What one batch added: rows to its table, and records to quarantine (those already there not counted)."""

    rows: int
    rejected: int


class BronzeSink(Protocol):
    """Takes batches; a table's position is text that only equals or differs."""

    def ensure(self, table: str, schema: pa.Schema) -> None:
        """Create the table when it is missing, and add the columns it lacks; raises IncompatibleSchema."""
        ...

    def position(self, table: str) -> str | None:
        """The position the table records, or None when it has none."""
        ...

    def append(self, batch: Batch, *, expected: str | None, position: str) -> Appended:
        """Add the batch's rows and record `position`, in one step; its rejected records first go to quarantine.

        Raises WriterFenced, having added no row, when the table records another position than `expected`.
        """
        ...


class IcebergSink:
    """Bronze tables of an Iceberg catalog."""

    def __init__(self, tables: IcebergTables, clock: Clock, fault: Fault = lambda _: None) -> None:
        self._tables = tables
        self._clock = clock
        self._fault = fault

    def ensure(self, table: str, schema: pa.Schema) -> None:
        """See BronzeSink."""
        self._tables.ensure(table, schema)

    def position(self, table: str) -> str | None:
        """See BronzeSink."""
        return self._tables.position(table)

    def append(self, batch: Batch, *, expected: str | None, position: str) -> Appended:
        """See BronzeSink."""
        files, rejected, rows = [], list[Rejected](), 0
        for chunk in batch.chunks:
            fitting = self._fit(batch, chunk)
            rejected.extend(fitting.rejected)
            files.extend(self._tables.stage(batch.table, self._stamped(fitting.rows)))
            rows += fitting.rows.num_rows
        self._fault(STAGED)
        added = self._quarantine(list(quarantine.numbered(rejected)))
        self._fault(QUARANTINED)
        self._tables.commit(batch.table, files, expected=expected, position=position)
        self._fault(COMMITTED)
        return Appended(rows, added)

    def _fit(self, batch: Batch, chunk: Chunk) -> Chunk:
        try:
            self._tables.ensure(batch.table, chunk.rows.schema)
        except IncompatibleSchema as error:
            unfit = reject_rows(chunk.rows, source=batch.source, reason=error.reason, detail=error.detail)
            return Chunk(chunk.rows.select([]).slice(0, 0), [*chunk.rejected, *unfit])
        return chunk

    def _stamped(self, rows: pa.Table) -> pa.Table:
        stamp = pa.array([self._clock.now()] * rows.num_rows, INGESTED_AT.type)
        return rows.append_column(INGESTED_AT, stamp)

    def _quarantine(self, rejected: Sequence[Rejected]) -> int:
        if not rejected:
            return 0
        self._tables.ensure(QUARANTINE, QUARANTINE_SCHEMA)
        return self._tables.append_new(
            QUARANTINE,
            quarantine.rows(rejected, self._clock.now()),
            known=quarantine.known_positions,
            unknown=quarantine.unknown,
        )


@dataclass
class InMemorySink:
    """The same promises kept in dictionaries, for tests."""

    clock: Clock
    fault: Fault = lambda _: None
    rows: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    quarantined: list[Rejected] = field(default_factory=list)
    _schemas: dict[str, dict[str, pa.DataType]] = field(default_factory=dict)
    _positions: dict[str, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def ensure(self, table: str, schema: pa.Schema) -> None:
        """See BronzeSink; a type change is always refused here."""
        known = self._schemas.setdefault(table, {})
        for column in schema:
            if known.get(column.name, column.type) != column.type:
                raise IncompatibleSchema(f"column {column.name} is {known[column.name]}, not {column.type}")
        known.update({column.name: column.type for column in schema})
        self.rows.setdefault(table, [])

    def position(self, table: str) -> str | None:
        """See BronzeSink."""
        return self._positions.get(table)

    def append(self, batch: Batch, *, expected: str | None, position: str) -> Appended:
        """See BronzeSink."""
        rows: list[dict[str, object]] = []
        rejected: list[Rejected] = []
        for chunk in batch.chunks:
            rejected.extend(chunk.rejected)
            try:
                self.ensure(batch.table, chunk.rows.schema)
            except IncompatibleSchema as error:
                rejected.extend(reject_rows(chunk.rows, source=batch.source, reason=error.reason, detail=error.detail))
                continue
            rows.extend({**row, INGESTED_AT.name: self.clock.now()} for row in chunk.rows.to_pylist())
        self.fault(STAGED)
        added = self._quarantine(list(quarantine.numbered(rejected)))
        self.fault(QUARANTINED)
        with self._lock:
            if self._positions.get(batch.table) != expected:
                raise WriterFenced(f"{batch.table} records another position than this writer started from")
            self.rows.setdefault(batch.table, []).extend(rows)
            self._positions[batch.table] = position
        self.fault(COMMITTED)
        return Appended(len(rows), added)

    def _quarantine(self, rejected: Sequence[Rejected]) -> int:
        with self._lock:
            known = {(record.source, record.position) for record in self.quarantined}
            new = [record for record in rejected if (record.source, record.position) not in known]
            self.quarantined.extend(new)
            return len(new)
