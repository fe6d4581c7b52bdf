"""Change logs and deliveries reduced to the rows that stand. Order of arrival plays no part; `_position` decides."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType

# Ingest names here, as a JSON list, the columns that an update did not touch and the server did not send.
UNCHANGED = "_unchanged"


def filled(changes: DataFrame, *keys: str) -> DataFrame:
    """The changes with values that were not sent taken from the change of the same key before them.

    A value stays null where no earlier change of that key has it: the first one after the key itself was changed.
    """
    if UNCHANGED not in changes.columns or changes.where(F.col(UNCHANGED).isNotNull()).limit(1).count() == 0:
        return changes
    missing = F.from_json(F.col(UNCHANGED), ArrayType(StringType()))
    earlier = Window.partitionBy(*keys).orderBy("_position").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    own = {"_op", "_position", "_committed_at", "_ingested_at", UNCHANGED, *keys}

    def value(column: str) -> Column:
        left_out = F.coalesce(F.array_contains(missing, column), F.lit(False))
        known = F.when(~left_out & (F.col("_op") != "d"), F.struct(F.col(f"`{column}`").alias("value")))
        return F.when(left_out, F.last(known, ignorenulls=True).over(earlier)["value"]).otherwise(F.col(f"`{column}`"))

    return changes.select(*(name if name in own else value(name).alias(name) for name in changes.columns))


def since_truncate(changes: DataFrame) -> DataFrame:
    """The changes that follow the last truncate of their table, without the truncates themselves."""
    emptied = changes.where(F.col("_op") == "t").agg(F.max("_position").alias("_emptied_at"))
    stands = F.col("_emptied_at").isNull() | (F.col("_position") > F.col("_emptied_at"))
    return changes.where(F.col("_op") != "t").crossJoin(F.broadcast(emptied)).where(stands).drop("_emptied_at")


def newest(changes: DataFrame, *keys: str) -> DataFrame:
    """The last change of each key, deletes included; a change delivered twice counts once."""
    return _first(changes, keys, F.col("_position").desc())


def live(changes: DataFrame, *keys: str) -> DataFrame:
    """The rows that exist in the source now: the last change of each key that is not deleted."""
    return newest(since_truncate(changes), *keys).where(F.col("_op") != "d")


def _first(rows: DataFrame, keys: tuple[str, ...], order: Column) -> DataFrame:
    rank = F.row_number().over(Window.partitionBy(*keys).orderBy(order))
    return rows.withColumn("_rank", rank).where(F.col("_rank") == 1).drop("_rank")
