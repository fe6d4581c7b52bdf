"""Row contracts: every row read from bronze is clean, or carries the first check that it fails.

A judged frame holds the table's columns and five more: `_failed` (struct of check, column and reason; null when clean),
`_row` (the rejected row as JSON; null when clean), `_key` (the scope it belongs to, as text), `_position` and
`_seen_at` (where and when bronze got it).
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transform.changes import first_of

# The verdict of a row that only repeats another of its scope: it is neither clean nor rejected.
REPEATED = "repeated_delivery"
VERDICT = ("_failed", "_row", "_key", "_position", "_seen_at")


@dataclass(frozen=True)
class RowCheck:
    """A rule for one row, in SQL; null counts as failing. `reason` says what is wrong and never quotes a value."""

    name: str
    column: str
    reason: str
    passes: str


def present(column: str) -> RowCheck:
    """The check that a column has a value of its type."""
    return RowCheck("present", column, f"{column} is missing or is not of its type", f"{column} is not null")


# One rule for everything that enters: nothing a shop deals in is older, later, more or dearer. What is outside breaks
# sums, calendars and readers downstream (Python knows no year 10000), so it stops here.
YEARS = (1970, 2199)
UNITS_MAX = 1_000_000_000
AMOUNT_MAX = 1_000_000_000_000


def plausible_time(column: str) -> RowCheck:
    """The check that a moment, if there is one, lies in the years of `YEARS`."""
    first, last = YEARS
    passes = f"{column} is null or year({column}) between {first} and {last}"
    return RowCheck("plausible", column, f"{column} is not in the years {first} to {last}", passes)


def plausible_units(column: str) -> RowCheck:
    """The check that a number of units, if there is one, is at most `UNITS_MAX` either way."""
    passes = f"{column} is null or {column} between -{UNITS_MAX} and {UNITS_MAX}"
    return RowCheck("plausible", column, f"{column} is over {UNITS_MAX} units", passes)


def plausible_amount(column: str) -> RowCheck:
    """The check that an amount, if there is one, is at most `AMOUNT_MAX` either way."""
    passes = f"{column} is null or {column} between -{AMOUNT_MAX} and {AMOUNT_MAX}"
    return RowCheck("plausible", column, f"{column} is over {AMOUNT_MAX}", passes)


def judge(rows: DataFrame, checks: tuple[RowCheck, ...], columns: list[str], raw: Column, key: str) -> DataFrame:
    """Give each row its verdict; `raw` is the row as text, kept for the rejected alone; `key` is SQL for its scope."""
    failed = F.coalesce(*(_failure(check) for check in checks))
    return rows.withColumn("_failed", failed).select(
        *columns,
        F.col("_failed"),
        F.when(F.col("_failed").isNotNull(), raw).alias("_row"),
        F.expr(key).alias("_key"),
        F.col("_position"),
        F.col("_seen_at"),
    )


def _failure(check: RowCheck) -> Column:
    passes = F.coalesce(F.expr(check.passes), F.lit(False))
    return F.when(~passes, _verdict(check.name, check.column, check.reason))


def _verdict(check: str, column: str, reason: str) -> Column:
    return F.struct(F.lit(check).alias("check"), F.lit(column).alias("column"), F.lit(reason).alias("reason"))


def delivery_key(event_id: str) -> str:
    """Which delivery a row is, as SQL: the id that its sender gave it, or where it came in when that cannot be read."""
    return f"coalesce({event_id}, concat('at ', _position))"


def first_deliveries(judged: DataFrame) -> DataFrame:
    """Of the clean rows of a key the first delivery, and of the rejected ones likewise: the lowest position.

    A rejected row does not use up its key, so that the row that puts it right still counts. A law: what is kept of what
    is kept of A, and B, is what is kept of both.
    """
    return first_of(judged, ("_key", F.col("_failed").isNull()), "_position", "_seen_at")


def clean(judged: DataFrame) -> DataFrame:
    """The rows that pass every check, without their verdicts."""
    return judged.where(F.col("_failed").isNull()).drop(*VERDICT)


def rejected(judged: DataFrame, table: str) -> DataFrame:
    """The rows that fail one and repeat none, as rows of the quarantine of `table`."""
    return judged.where(F.col("_failed.check") != REPEATED).select(
        F.lit(table).alias("table"),
        F.col("_key").alias("key"),
        F.col("_failed.check").alias("check"),
        F.col("_failed.column").alias("column"),
        F.col("_failed.reason").alias("reason"),
        F.col("_row").alias("row"),
        F.col("_position").alias("position"),
        F.col("_seen_at").alias("seen_at"),
    )


def tally(judged: DataFrame) -> DataFrame:
    """How many rows are clean, rejected and repetitions: the columns `clean`, `rejected` and `repeated`."""
    is_repeated = F.coalesce(F.col("_failed.check") == REPEATED, F.lit(False))
    return judged.agg(
        F.count_if(F.col("_failed").isNull()).alias("clean"),
        F.count_if(F.col("_failed").isNotNull() & ~is_repeated).alias("rejected"),
        F.count_if(is_repeated).alias("repeated"),
    )
