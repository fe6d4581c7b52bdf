"""Histories on Spark: the rules of `scd2.py`, as windows over the changes of a key.

A test compares the two on random changes; whoever alters a rule alters it there first.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

STAMPS = ("valid_from", "end_date", "is_current", "is_deleted")


def versions(changes: DataFrame, key: tuple[str, ...], tracked: tuple[str, ...]) -> DataFrame:
    """The versions of every key.

    `changes` has the key, all attributes, `event_at`, `_position` and `deleted`. The result has the key, the
    attributes and `STAMPS`. Changes in attributes that are not tracked open no version.
    """
    attributes = [name for name in changes.columns if name not in {*key, "event_at", "_position", "deleted"}]
    numbered = _numbered(_one_per_instant(changes, key), key, tracked)
    stretches = numbered.groupBy(*key, "_stretch").agg(
        F.min("event_at").alias("valid_from"),
        F.max_by(F.struct(*attributes, "deleted"), "event_at").alias("_last"),
    )
    return _stamped(stretches, key).select(*key, *(f"_last.{name}" for name in attributes), *STAMPS)


def _one_per_instant(changes: DataFrame, key: tuple[str, ...]) -> DataFrame:
    instant = Window.partitionBy(*key, "event_at").orderBy(F.desc("deleted"), F.desc("_position"))
    return changes.withColumn("_rank", F.row_number().over(instant)).where(F.col("_rank") == 1).drop("_rank")


def _numbered(changes: DataFrame, key: tuple[str, ...], tracked: tuple[str, ...]) -> DataFrame:
    in_time = Window.partitionBy(*key).orderBy("event_at")
    before = F.lag(_state(tracked)).over(in_time)
    starts = F.when(_state(tracked).eqNullSafe(before), 0).otherwise(1)
    return changes.withColumn("_starts", starts).withColumn("_stretch", F.sum("_starts").over(in_time))


def _state(tracked: tuple[str, ...]) -> Column:
    # Two deletes in a row are one absence, whatever attributes they carry.
    values = [F.when(~F.col("deleted"), F.col(name)).alias(name) for name in tracked]
    return F.struct(F.col("deleted"), *values)


def _stamped(stretches: DataFrame, key: tuple[str, ...]) -> DataFrame:
    in_time = Window.partitionBy(*key).orderBy("_stretch")
    followed_by_delete = F.coalesce(F.lead("_last.deleted").over(in_time), F.lit(False))
    is_before_last = F.lead("_stretch", 2).over(in_time).isNull()
    return (
        stretches.withColumn("end_date", F.lead("valid_from").over(in_time))
        .withColumn("is_deleted", followed_by_delete & is_before_last)
        .withColumn("is_current", F.col("end_date").isNull())
        .where(~F.col("_last.deleted"))
    )
