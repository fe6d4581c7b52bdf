"""Row contracts: every row read from bronze is clean, or carries the first check that it fails.

A judged frame holds the table's columns and four more: `_failed` (struct of check, column and reason; null when clean),
`_row` (the rejected row as JSON; null when clean), `_position` and `_seen_at` (where and when bronze got it).
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

VERDICT = ("_failed", "_row", "_position", "_seen_at")


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


def judge(rows: DataFrame, checks: tuple[RowCheck, ...], columns: list[str], raw: Column) -> DataFrame:
    """Give each row its verdict; `raw` is the row as text, kept for the rejected alone."""
    failed = F.coalesce(*(_failure(check) for check in checks))
    return rows.withColumn("_failed", failed).select(
        *columns,
        F.col("_failed"),
        F.when(F.col("_failed").isNotNull(), raw).alias("_row"),
        F.col("_position"),
        F.col("_seen_at"),
    )


def _failure(check: RowCheck) -> Column:
    passes = F.coalesce(F.expr(check.passes), F.lit(False))
    verdict = F.struct(
        F.lit(check.name).alias("check"), F.lit(check.column).alias("column"), F.lit(check.reason).alias("reason")
    )
    return F.when(~passes, verdict)


def clean(judged: DataFrame) -> DataFrame:
    """The rows that pass every check, without their verdicts."""
    return judged.where(F.col("_failed").isNull()).drop(*VERDICT)


def rejected(judged: DataFrame, table: str) -> DataFrame:
    """The rows that fail one, as rows of the quarantine of `table`."""
    return judged.where(F.col("_failed").isNotNull()).select(
        F.lit(table).alias("table"),
        F.col("_failed.check").alias("check"),
        F.col("_failed.column").alias("column"),
        F.col("_failed.reason").alias("reason"),
        F.col("_row").alias("row"),
        F.col("_position").alias("position"),
        F.col("_seen_at").alias("seen_at"),
    )
