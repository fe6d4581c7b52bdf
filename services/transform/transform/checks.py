"""Checks of what a run changed: one that fails stops the release, and readers keep the last one.

For each table: columns that are never null, and the grain. Between tables: references, and conservation: what came
in is what is clean, plus what is quarantined, plus what repeats another delivery, and every order line reached the
fact table with its quantity and amount.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transform.contract import tally
from transform.counts import Counts
from transform.propagation import Change
from transform.spec import Difference, Judged, Read, Reference, Stored, Table
from transform.statistics import Statistics

LINES, FACTS, QUARANTINE = "silver.orders_unified", "gold.fact_order", "silver.quarantine"


@dataclass(frozen=True)
class CheckResult:
    """How one check of one table went; `failing` counts rows or units, 0 is well."""

    table: str
    check: str
    column: str
    failing: int
    detail: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing fails."""
        return self.failing == 0


@dataclass(frozen=True)
class Conservation:
    """What came into a table, what stands in it, what was rejected, and what repeats another or was made void."""

    table: str
    delivered: int
    out: int
    quarantined: int
    repeated: int = 0

    @property
    def came_in(self) -> int:
        """What came in, repetitions counted once."""
        return self.delivered - self.repeated

    def result(self) -> CheckResult:
        """The check that nothing was lost or doubled."""
        difference = self.came_in - self.out - self.quarantined
        detail = f"{self.delivered} delivered, {self.repeated} repeated, {self.out} out, {self.quarantined} quarantined"
        return CheckResult(self.table, "conservation", "*", abs(difference), detail)


def check_statistics(tables: Sequence[Stored], found: Mapping[str, Statistics]) -> list[CheckResult]:
    """Required columns are never null and no grain is there twice, from one pass over what a run put in."""
    return [
        result
        for table in tables
        if table.name in found
        for result in (
            *(CheckResult(table.name, "not_null", name, nulls) for name, nulls in found[table.name].nulls.items()),
            CheckResult(table.name, "unique", ", ".join(table.grain), found[table.name].copies),
        )
    ]


def check_written(unaccounted: Mapping[str, int]) -> list[CheckResult]:
    """A table has as many rows as it had, less those taken out, and those put in; whatever else it has is failing."""
    return [CheckResult(table, "written", "*", abs(rows)) for table, rows in unaccounted.items()]


def check_references(tables: Sequence[Table], rows: Read, targets: Read) -> list[CheckResult]:
    """Every foreign key of some rows has its row in the table it points at; one job for all keys."""
    pairs = [(table, reference) for table in tables for reference in table.references]
    failing = _numbered([_missing(table, reference, rows, targets) for table, reference in pairs])
    return [
        CheckResult(table.name, f"references {reference.target}", reference.column, failing[number])
        for number, (table, reference) in enumerate(pairs)
    ]


def _missing(table: Table, reference: Reference, rows: Read, targets: Read) -> DataFrame:
    used = rows(table.name).where(F.col(reference.column).isNotNull()).select(F.col(reference.column).alias("key"))
    known = targets(reference.target).select(F.col(reference.target_column).alias("key"))
    missing = used.distinct().join(known, on="key", how="left_anti")
    return _count(missing)


def check_removed(
    tables: Sequence[Table], changes: Mapping[str, Change], found: Mapping[str, Statistics], read: Read
) -> list[CheckResult]:
    """No row points at what a run took out of another table."""
    pairs = [
        (table, reference, change)
        for table in tables
        for reference in table.references
        if (change := _taken_from(reference.target, changes, found)) is not None
    ]
    removed = [_removed(reference, change) for _, reference, change in pairs]
    concerned = _numbered([_count(gone) for gone in removed])
    each = [_dangling(*pairs[n][:2], removed[n], read) if concerned[n] else None for n in range(len(pairs))]
    failing = _numbered(each)
    return [
        CheckResult(table.name, f"references {reference.target}", reference.column, failing.get(number, 0))
        for number, (table, reference, _) in enumerate(pairs)
    ]


def _count(rows: DataFrame) -> DataFrame:
    return rows.agg(F.count(F.lit(1)).alias("count"))


def _numbered(counts: Sequence[DataFrame | None]) -> dict[int, int]:
    """The count in each frame, by its place; one job for all."""
    each = [frame.withColumn("number", F.lit(n)) for n, frame in enumerate(counts) if frame is not None]
    return {row["number"]: row["count"] for row in _union(each).collect()} if each else {}


def _taken_from(target: str, changes: Mapping[str, Change], found: Mapping[str, Statistics]) -> Difference | None:
    statistics = found.get(target)
    return changes[target].difference if statistics and statistics.taken_out and target in changes else None


def _removed(reference: Reference, change: Difference) -> DataFrame:
    before, after = (rows.select(F.col(reference.target_column).alias("key")) for rows in (change.before, change.after))
    return before.join(after, "key", "left_anti").distinct()


def _dangling(table: Table, reference: Reference, removed: DataFrame, read: Read) -> DataFrame:
    used = read(table.name).select(F.col(reference.column).alias("key"))
    # Of a target that is not unique in the column, another row may still be there.
    still = read(reference.target).select(F.col(reference.target_column).alias("key"))
    dangling = used.join(F.broadcast(removed), "key", "left_semi").distinct().join(still, "key", "left_anti")
    return _count(dangling)


def check_moved_sums(found: Mapping[str, Statistics]) -> list[CheckResult]:
    """What was added to the lines, units and money of orders_unified was added to those of the fact table."""
    moved = [
        {"rows": found[name].rows, **found[name].sums}
        if name in found
        else {"rows": 0, "quantity": 0, "total_amount": 0}
        for name in (LINES, FACTS)
    ]
    return [
        CheckResult(FACTS, "sum_conservation", name, int(moved[0][name] != moved[1][name]))
        for name in ("rows", "quantity", "total_amount")
    ]


def conservation(counts: Counts, judged: Iterable[Judged]) -> list[Conservation]:
    """The balance of each table that takes rows of bronze; of users it counts the changes, not their versions."""
    return [_balance(counts, of) for of in judged]


def _balance(counts: Counts, of: Judged) -> Conservation:
    quarantined = counts.quarantined.get(of.table, 0)
    tallied = counts.tallies.get(of.name, {})
    out = counts.rows[of.table] if of.row_per_input else tallied["clean"]
    if of.fold is None:
        return Conservation(of.table, tallied["input"], out, quarantined, tallied["repeated"])
    return Conservation(of.table, counts.delivered[of.fold], out, quarantined, counts.repeated.get(of.fold, 0))


def is_tallied(judged: Judged) -> bool:
    """Whether its rows have to be counted; of the others the rows of the fold and of the table say as much."""
    return judged.fold is None or not judged.row_per_input


def tallies(frames: Mapping[str, tuple[DataFrame, DataFrame]]) -> dict[str, dict[str, int]]:
    """Of judged frames, each with its count of the input: input, clean, rejected and repeated rows; one job for all."""
    each = [
        tally(frame).crossJoin(counted.toDF("input")).withColumn("judged", F.lit(name))
        for name, (frame, counted) in frames.items()
    ]
    if not each:
        return {}
    names = ("input", "clean", "rejected", "repeated")
    return {row["judged"]: {name: row[name] or 0 for name in names} for row in _union(each).collect()}


def tallies_before(frames: Mapping[str, tuple[DataFrame, DataFrame | None, DataFrame]]) -> dict[str, dict[str, int]]:
    """The same of what a release has: counts of input, rows of the table, rows of the quarantine; one job for all."""
    each = [
        part
        for counted, clean, rejected in frames.values()
        for part in (counted.toDF("count"), None if clean is None else _count(clean), _count(rejected))
    ]
    found = _numbered(each)
    return {name: _tallied(*(found.get(3 * n + part) for part in range(3))) for n, name in enumerate(frames)}


def _tallied(given: int | None, clean: int | None, rejected: int | None) -> dict[str, int]:
    """What is neither clean nor rejected repeats another row; where the clean ones are not told, nothing does."""
    given, rejected = given or 0, rejected or 0
    clean = given - rejected if clean is None else clean
    return {"input": given, "clean": clean, "rejected": rejected, "repeated": given - clean - rejected}


def quarantined(rows: DataFrame) -> dict[str, int]:
    """The number of quarantined rows by table."""
    return {row["table"]: row["count"] for row in rows.groupBy("table").count().collect()}


def _union(frames: Iterable[DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, frames)
