"""`replay`: quarantined records through the code as it is now; what became good goes to bronze, once.

A good row is added to its table, if no good row has its position, and then the record is taken out of quarantine. A
crash between the two repeats harmlessly: the row is found, and the record taken out. Only records that the table's
stream has passed are touched; the others the stream itself brings again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain

import pyarrow as pa
from shopsphere_kit.clock import Clock
from shopsphere_kit.logging import get_logger

from ingest.batch import Rejected
from ingest.coverage import covers
from ingest.errors import IncompatibleSchema, SourceUnavailable
from ingest.forgotten import Mask, NobodyForgotten
from ingest.iceberg_repair import IcebergRepair
from ingest.iceberg_tables import IcebergTables
from ingest.position import decode
from ingest.rereading import Reader, Reread, identity
from ingest.sink import Fault
from ingest.tables import INGESTED_AT

# Records in memory at once, by number and by their bytes.
RECORDS, BYTES = 50_000, 64 * 2**20
ADDED = "added"

_log = get_logger(__name__)


@dataclass(frozen=True)
class Selection:
    """Which records are read again: all, or those of a source ("kafka:events", or all of "kafka") or a reason."""

    source: str | None = None
    reason: str | None = None

    def takes(self, record: Rejected) -> bool:
        """Whether the record is one of them."""
        return self.reason in (None, record.reason) and self.takes_source(record.source)

    def takes_source(self, source: str) -> bool:
        """Whether records of the source may be among them."""
        return self.source is None or source == self.source or source.startswith(f"{self.source}:")


@dataclass
class Counts:
    """What became of records of one source and reason; `not_reached` are those that the stream will bring itself."""

    replayed: int = 0
    already_there: int = 0
    still_rejected: int = 0
    not_reached: int = 0
    source_away: int = 0


@dataclass
class Outcome:
    """The report of one run."""

    dry_run: bool
    counts: dict[tuple[str, str], Counts] = field(default_factory=dict)

    def of(self, record: Rejected) -> Counts:
        """The counts that the record belongs to."""
        return self.counts.setdefault((record.source, record.reason), Counts())

    def total(self) -> Counts:
        """All counts together."""
        totals = Counter[str]()
        for counts in self.counts.values():
            totals.update(asdict(counts))
        return Counts(**totals)

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        records = [
            {"source": source, "reason": reason, **asdict(counts)}
            for (source, reason), counts in sorted(self.counts.items())
        ]
        return {"dry_run": self.dry_run, **asdict(self.total()), "records": records}


class Replay:
    """One run; `readers` read records again, by the kind of source ("kafka")."""

    def __init__(
        self,
        tables: IcebergTables,
        repair: IcebergRepair,
        readers: Mapping[str, Reader],
        clock: Clock,
        fault: Fault = lambda _: None,
        mask: Mask | None = None,
    ) -> None:
        self._tables, self._repair, self._readers = tables, repair, readers
        self._clock, self._fault, self._mask = clock, fault, mask or NobodyForgotten()

    def run(self, selection: Selection, *, dry_run: bool) -> Outcome:
        """Read the selected records again, a bounded number at a time."""
        outcome = Outcome(dry_run)
        found = {source for source, _ in self._repair.counts() if selection.takes_source(source)}
        wanted = filter(selection.takes, chain.from_iterable(self._repair.quarantined(found)))
        for records in _pieces(wanted):
            for source in sorted({record.source for record in records}):
                mine = [record for record in records if record.source == source]
                self._source(source, mine, outcome)
            _log.info("replaying", **asdict(outcome.total()))
        return outcome

    def _source(self, source: str, records: Sequence[Rejected], outcome: Outcome) -> None:
        reader = self._readers.get(source.partition(":")[0])
        if reader is None:
            return _count(records, outcome, "still_rejected")
        try:
            read = reader(source, records)
        except SourceUnavailable as error:
            _log.warning("source away, its records stay", source=source, detail=error.detail)
            return _count(records, outcome, "source_away")
        reached, beyond = self._divided(read, records)
        _count(beyond, outcome, "not_reached")
        self._move(read, reached, outcome)
        return None

    def _divided(self, read: Reread, records: Sequence[Rejected]) -> tuple[list[Rejected], list[Rejected]]:
        """The records that the table's stream has passed, or that have no place, and those that it has not."""
        text = self._tables.position(read.table)
        recorded = decode(text) if text is not None else None
        reached: list[Rejected] = []
        beyond: list[Rejected] = []
        for record in records:
            place = read.places.get(identity(record))
            (reached if place is None or covers(recorded, place) else beyond).append(record)
        return reached, beyond

    def _move(self, read: Reread, records: Sequence[Rejected], outcome: Outcome) -> None:
        places = [read.places.get(identity(record)) for record in records]
        wanted = {place for place in places if place is not None}
        good, added = set[str](), set[str]()
        for rows in read.rows:
            mine = rows.filter(pa.array([place in wanted for place in rows["_position"].to_pylist()], pa.bool_()))
            if mine.num_rows and self._fits(read.table, mine, dry_run=outcome.dry_run):
                good.update(map(str, mine["_position"].to_pylist()))
                added.update(self._add(read.table, mine, dry_run=outcome.dry_run))
        self._fault(ADDED)
        done = {identity(record) for record, place in zip(records, places, strict=True) if place in good}
        if done and not outcome.dry_run:
            self._repair.forget(done)
        for record, place in zip(records, places, strict=True):
            gone = "replayed" if place in added else "already_there"
            _count([record], outcome, gone if place in good else "still_rejected")

    def _fits(self, table: str, rows: pa.Table, *, dry_run: bool) -> bool:
        try:
            if not dry_run:  # for that could add columns
                self._tables.ensure(table, rows.schema)
        except IncompatibleSchema as error:
            _log.info("rows still do not fit", table=table, detail=error.detail)
            return False
        return True

    def _add(self, table: str, rows: pa.Table, *, dry_run: bool) -> set[str]:
        places = set(map(str, rows["_position"].to_pylist()))
        if dry_run:
            return places - self._repair.present(table, places)
        stamp = pa.repeat(pa.scalar(self._clock.now(), INGESTED_AT.type), rows.num_rows)
        return self._repair.add_missing(table, self._mask.rows(table, rows).append_column(INGESTED_AT, stamp))


def _count(records: Sequence[Rejected], outcome: Outcome, what: str) -> None:
    for record in records:
        counts = outcome.of(record)
        setattr(counts, what, getattr(counts, what) + 1)


def _pieces(records: Iterator[Rejected]) -> Iterator[list[Rejected]]:
    piece: list[Rejected] = []
    size = 0
    for record in records:
        piece.append(record)
        size += len(record.value or b"")
        if len(piece) >= RECORDS or size >= BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
