"""Where bronze rows go: each batch in one commit together with the position that follows it, or not at all."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from shopsphere_kit.clock import Clock

from ingest import metrics, quarantine
from ingest.batch import Batch, Chunk, Rejected, reject_rows
from ingest.errors import IncompatibleSchema, WriterFenced
from ingest.forgotten import Mask, NobodyForgotten
from ingest.iceberg_tables import IcebergTables
from ingest.tables import INGESTED_AT, QUARANTINE, QUARANTINE_SCHEMA

Fault = Callable[[str], None]
# The moments between two steps of an append, in order; tests stop the world at each.
STAGED, QUARANTINED, COMMITTED = "staged", "quarantined", "committed"


@dataclass(frozen=True)
class Staged:
    """A batch on its way: written, but in no snapshot; `files` only its sink understands, `newest` is a row's time."""

    files: Sequence[Any]
    rows: int
    rejected: Mapping[str, int]
    newest: datetime | None = None


@dataclass(frozen=True)
class Appended:
    """What one commit added: rows to its table, and new records to quarantine, by reason."""

    rows: int
    rejected: Mapping[str, int] = field(default_factory=dict)


class BronzeSink(Protocol):
    """Takes batches; a table's position is text that only equals or differs."""

    def ensure(self, table: str, schema: pa.Schema) -> None:
        """Create the table when it is missing, and add the columns it lacks; raises IncompatibleSchema."""
        ...

    def position(self, table: str) -> str | None:
        """The position the table records, or None when it has none."""
        ...

    def stage(self, batch: Batch) -> Staged:
        """Write the batch's rows where nobody sees them yet, and its rejected records to quarantine."""
        ...

    def commit(self, table: str, staged: Sequence[Staged], *, expected: str | None, position: str) -> Appended:
        """Make the staged rows visible and record `position`, in one step.

        Raises WriterFenced, having added no row, when the table records another position than `expected`.
        """
        ...


class IcebergSink:
    """Bronze tables of an Iceberg catalog."""

    def __init__(
        self, tables: IcebergTables, clock: Clock, fault: Fault = lambda _: None, mask: Mask | None = None
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._fault = fault
        self._mask = mask or NobodyForgotten()

    def ensure(self, table: str, schema: pa.Schema) -> None:
        """See BronzeSink."""
        self._tables.ensure(table, schema)

    def position(self, table: str) -> str | None:
        """See BronzeSink."""
        return self._tables.position(table)

    def stage(self, batch: Batch) -> Staged:
        """See BronzeSink."""
        files, rejected, rows = [], list[Rejected](), 0
        newest: datetime | None = None
        for chunk in batch.chunks:
            fitting = self._fit(batch, chunk)
            rejected.extend(fitting.rejected)
            rows_kept = self._mask.rows(batch.table, fitting.rows)
            files.extend(self._tables.stage(batch.table, self._stamped(rows_kept)))
            rows += fitting.rows.num_rows
            newest = _newer(newest, fitting.rows)
        self._fault(STAGED)
        added = self._quarantine(list(self._mask.records(quarantine.numbered(rejected))))
        self._fault(QUARANTINED)
        return Staged(files, rows, added, newest)

    def commit(self, table: str, staged: Sequence[Staged], *, expected: str | None, position: str) -> Appended:
        """See BronzeSink."""
        files = [file for part in staged for file in part.files]
        self._tables.commit(table, files, expected=expected, position=position)
        for newest in filter(None, [part.newest for part in staged][-1:]):
            metrics.LAG_SECONDS.labels(table).set((self._clock.now() - newest).total_seconds())
        self._fault(COMMITTED)
        return _appended(staged)

    def _fit(self, batch: Batch, chunk: Chunk) -> Chunk:
        try:
            self._tables.ensure(batch.table, chunk.rows.schema)
        except IncompatibleSchema as error:
            unfit = reject_rows(chunk.rows, source=batch.source, reason=error.reason, detail=error.detail)
            return Chunk(chunk.rows.select([]).slice(0, 0), [*chunk.rejected, *unfit])
        return chunk

    def _stamped(self, rows: pa.Table) -> pa.Table:
        stamp = pa.repeat(pa.scalar(self._clock.now(), INGESTED_AT.type), rows.num_rows)
        return rows.append_column(INGESTED_AT, stamp)

    def _quarantine(self, rejected: Sequence[Rejected]) -> Mapping[str, int]:
        if not rejected:
            return {}
        self._tables.ensure(QUARANTINE, QUARANTINE_SCHEMA)
        added = self._tables.append_new(
            QUARANTINE,
            quarantine.rows(rejected, self._clock.now()),
            known=quarantine.known_positions,
            unknown=quarantine.unknown,
        )
        return Counter(map(str, added["reason"].to_pylist()))


def append(sink: BronzeSink, batch: Batch, *, expected: str | None, position: str) -> Appended:
    """Stage one batch and commit it."""
    return sink.commit(batch.table, [sink.stage(batch)], expected=expected, position=position)


def _newer(newest: datetime | None, rows: pa.Table) -> datetime | None:
    if rows.num_rows == 0 or "_committed_at" not in rows.column_names:
        return newest
    moments = [newest, pc.max(rows["_committed_at"]).as_py()]
    return max((moment for moment in moments if moment is not None), default=None)


def _appended(staged: Sequence[Staged]) -> Appended:
    rejected = sum((Counter(part.rejected) for part in staged), Counter[str]())
    return Appended(sum(part.rows for part in staged), rejected)


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

    def stage(self, batch: Batch) -> Staged:
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
        return Staged(rows, len(rows), added)

    def commit(self, table: str, staged: Sequence[Staged], *, expected: str | None, position: str) -> Appended:
        """See BronzeSink."""
        with self._lock:
            if self._positions.get(table) != expected:
                raise WriterFenced(f"{table} records another position than this writer started from")
            self.rows.setdefault(table, []).extend(row for part in staged for row in part.files)
            self._positions[table] = position
        self.fault(COMMITTED)
        return _appended(staged)

    def _quarantine(self, rejected: Sequence[Rejected]) -> Mapping[str, int]:
        with self._lock:
            known = {(record.source, record.position) for record in self.quarantined}
            new = [record for record in rejected if (record.source, record.position) not in known]
            self.quarantined.extend(new)
            return Counter(record.reason for record in new)
