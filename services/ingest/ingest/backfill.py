"""`copy`: a range of a source's table into its bronze table, in one commit, once per condition.

The rows are what a copy would bring (`_op` = `r`) at the place of the snapshot they were read under, so a fold by
`_position` stays right whatever the stream does meanwhile. Files are staged chunk by chunk; a run that is killed
leaves files that no snapshot names.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow.compute as pc
from shopsphere_kit.clock import Clock
from shopsphere_kit.errors import FailedPrecondition, InvalidArgument
from shopsphere_kit.logging import get_logger

from ingest.batch import Batch, Chunk
from ingest.iceberg_repair import IcebergRepair, Note
from ingest.sink import BronzeSink, Fault
from ingest.sources.ranges import RangeReader

READ = "read"
PROGRESS_SECONDS = 5.0
_KAFKA = "bronze_kafka__"

_log = get_logger(__name__)


@dataclass(frozen=True)
class Copied:
    """What the table notes of a backfill; `done_before` when it was there already."""

    table: str
    note: Note
    done_before: bool

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return {"table": self.table, "done_before": self.done_before, **self.note}


class Backfill:
    """Copies ranges; `readers` open them, by how the name of a bronze table begins."""

    def __init__(
        self,
        sink: BronzeSink,
        repair: IcebergRepair,
        readers: Mapping[str, RangeReader],
        clock: Clock,
        fault: Fault = lambda _: None,
    ) -> None:
        self._sink, self._repair, self._readers = sink, repair, readers
        self._clock, self._fault = clock, fault

    def run(self, table: str, where: str, *, again: bool = False) -> Copied:
        """Copy the range, unless the table notes that it has it; `again` takes it at the present moment once more."""
        reader = self._reader(table)
        if not where.strip():
            raise InvalidArgument("--where: empty; write a condition, for all rows one that is always true")
        key, seen = condition_key(where), self._repair.backfills(table)
        if key in seen and not again:
            return Copied(table, seen[key], done_before=True)
        with reader(table, where, [note["last"] for note in seen.values()]) as range_:
            if self._sink.position(table) is None:
                raise FailedPrecondition(f"{table} is not copied yet; `python -m ingest run` copies it whole")
            counted = _Counted(range_.chunks)
            staged = self._sink.stage(Batch(table, range_.source, counted.chunks(), None))
        self._fault(READ)
        note = {
            "at": self._clock.now().isoformat(),
            "rows": staged.rows,
            "quarantined": sum(staged.rejected.values()),
            "first": counted.first,
            "last": counted.last,
        }
        if staged.rows or staged.rejected:
            self._repair.add_backfill(table, staged.files, key, note, seen=seen)
        else:
            _log.warning("no row of the source meets the condition; nothing is noted as done", table=table)
        return Copied(table, note, done_before=False)

    def _reader(self, table: str) -> RangeReader:
        if table.startswith(_KAFKA):
            raise InvalidArgument(
                f"table: {table} has every record of its topic up to its position, and a topic has no older ones, so "
                "there is nothing to backfill; `replay` reads what is in quarantine again",
                field="table",
            )
        for prefix, reader in self._readers.items():
            if table.startswith(prefix):
                return reader
        prefixes = ", ".join(f"{prefix}…" for prefix in self._readers) or "no source that can"
        raise InvalidArgument(
            f"table: {table} has no source to copy from; INGEST_SOURCES has {prefixes}", field="table"
        )


def condition_key(where: str) -> str:
    """What a table knows a condition by; the condition itself may hold personal data."""
    return hashlib.sha256(where.strip().encode()).hexdigest()[:16]


class _Counted:
    """Chunks as they pass, with their first and last position and their progress in the log."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._rows = 0
        self._began = self._told = time.monotonic()
        self.first = self.last = ""

    def chunks(self) -> Iterator[Chunk]:
        """Hand the chunks on."""
        for chunk in self._chunks:
            self._count(chunk)
            yield chunk

    def _count(self, chunk: Chunk) -> None:
        if chunk.rows.num_rows:
            ends = pc.min_max(chunk.rows["_position"])
            self.first = self.first or ends["min"].as_py()
            self.last = ends["max"].as_py()
            self._rows += chunk.rows.num_rows
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            _log.info("copying", rows=self._rows, rows_per_second=round(self._rows / (self._told - self._began)))
