"""Checks of whole tables, made on the audit branch: one that fails stops the release, and readers keep the last one.

For each table: columns that are never null, and the grain. Between tables: references, and conservation: what came
in is what is clean, plus what is quarantined, plus what repeats another delivery, and every order line reached the
fact table with its quantity and amount.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transform.contract import tally
from transform.spec import Judged, Reference, Table

Read = Callable[[str], DataFrame]
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
    """What came into a table, what stands in it, what was rejected, and what only repeats another delivery."""

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


def check_columns(tables: Sequence[Table], read: Read) -> tuple[dict[str, int], list[CheckResult]]:
    """The number of rows of each table, and the checks that required columns are never null; one job for all tables."""
    figures = _union(read(table.name).agg(F.lit(table.name).alias("table"), *_counts(table)) for table in tables)
    found = {row["table"]: (row["rows"], dict(row["nulls"])) for row in figures.collect()}
    results = [
        CheckResult(table.name, "not_null", name, found[table.name][1][name])
        for table in tables
        for name in table.required
    ]
    return {name: rows for name, (rows, _) in found.items()}, results


def _counts(table: Table) -> Iterator[Column]:
    yield F.count(F.lit(1)).alias("rows")
    nulls = [(F.lit(name), F.count(F.when(F.col(name).isNull(), 1))) for name in table.required]
    yield F.create_map(*(part for pair in nulls for part in pair)).alias("nulls")


def check_grains(tables: Sequence[Table], read: Read) -> list[CheckResult]:
    """No two rows of a table have the same grain; one job for all tables."""
    grained = [table for table in tables if table.grain]
    repeated = {row["table"]: row["failing"] for row in _union(_repeated(t, read) for t in grained).collect()}
    return [CheckResult(t.name, "unique", ", ".join(t.grain), repeated[t.name]) for t in grained]


def _repeated(table: Table, read: Read) -> DataFrame:
    many = read(table.name).groupBy(*table.grain).count().where(F.col("count") > 1)
    failing = F.coalesce(F.sum(F.col("count") - 1), F.lit(0)).alias("failing")
    return many.agg(F.lit(table.name).alias("table"), failing)


def check_references(tables: Sequence[Table], read: Read) -> list[CheckResult]:
    """Every foreign key has its row in the table it points at; one job for all keys."""
    pairs = [(table, reference) for table in tables for reference in table.references]
    missing = _union(_missing(number, *pair, read) for number, pair in enumerate(pairs)).collect()
    failing = {row["number"]: row["failing"] for row in missing}
    return [
        CheckResult(table.name, f"references {reference.target}", reference.column, failing[number])
        for number, (table, reference) in enumerate(pairs)
    ]


def _missing(number: int, table: Table, reference: Reference, read: Read) -> DataFrame:
    used = read(table.name).where(F.col(reference.column).isNotNull()).select(F.col(reference.column).alias("key"))
    known = read(reference.target).select(F.col(reference.target_column).alias("key"))
    missing = used.distinct().join(known, on="key", how="left_anti")
    return missing.agg(F.lit(number).alias("number"), F.count(F.lit(1)).alias("failing"))


def check_sums(read: Read) -> list[CheckResult]:
    """The fact table has the lines, the units and the money of orders_unified, to the cent."""
    names = ("rows", "quantity", "total_amount")
    sums = (F.count(F.lit(1)).alias("rows"), F.sum("quantity").alias("quantity"), F.sum("total_amount").alias("amount"))
    both = _union(read(name).agg(F.lit(name).alias("table"), *sums) for name in (LINES, FACTS))
    found = {row["table"]: (row["rows"], row["quantity"], row["amount"]) for row in both.collect()}
    return [
        CheckResult(FACTS, "sum_conservation", name, int(before != after), f"{before} → {after}")
        for name, before, after in zip(names, found[LINES], found[FACTS], strict=True)
    ]


def conservation(
    judged: Mapping[Judged, DataFrame], delivered: Mapping[str, int], rows: Mapping[str, int], read: Read
) -> list[Conservation]:
    """The balance of each table that takes rows of bronze; of users it counts the changes, not their versions."""
    rejected = {row["table"]: row["count"] for row in read(QUARANTINE).groupBy("table").count().collect()}
    tallies = _union(tally(frame).withColumn("table", F.lit(of.table)) for of, frame in judged.items()).collect()
    found = {row["table"]: (row["clean"], row["repeated"]) for row in tallies}
    return [
        Conservation(
            of.table,
            delivered[of.table],
            rows[of.table] if of.row_per_input else found[of.table][0],
            rejected.get(of.table, 0),
            found[of.table][1],
        )
        for of in judged
    ]


def _union(frames: Iterable[DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, frames)
