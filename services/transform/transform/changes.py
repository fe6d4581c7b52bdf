"""Change logs and deliveries reduced to the rows that stand. Order of arrival plays no part; `_position` decides."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


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
