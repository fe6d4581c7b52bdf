"""Histories on Spark: the rules of `scd2.py`, as windows over the changes of a key.

A test compares the two on random changes; whoever alters a rule alters it there first.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

STAMPS = ("valid_from", "end_date", "is_current", "is_deleted")
_OF_A_CHANGE = {"event_at", "exists_since", "deleted", "_position"}


def versions(changes: DataFrame, key: tuple[str, ...], tracked: tuple[str, ...]) -> DataFrame:
    """The versions of every key.

    `changes` has the key, all attributes, `event_at`, `exists_since`, `_position` and `deleted`. The result has the
    key, the attributes and `STAMPS`. Changes in attributes that are not tracked open no version.
    """
    attributes = [name for name in changes.columns if name not in {*key, *_OF_A_CHANGE}]
    numbered = _numbered(_one_per_instant(changes, key), key, tracked)
    stretches = numbered.groupBy(*key, "_stretch").agg(
        F.min("_at").alias("_start"),
        F.min("exists_since").alias("exists_since"),
        F.max_by(F.struct(*attributes, "deleted"), "_position").alias("_last"),
    )
    is_first = F.col("_stretch") == 1
    start = F.when(is_first, F.least("_start", "exists_since")).otherwise(F.col("_start"))
    dated = stretches.withColumn("valid_from", start)
    return _stamped(dated, key).select(*key, *(f"_last.{name}" for name in attributes), *STAMPS)


def _one_per_instant(changes: DataFrame, key: tuple[str, ...]) -> DataFrame:
    by_position = Window.partitionBy(*key).orderBy("_position")
    so_far = by_position.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    in_effect = changes.withColumn("_at", F.max("event_at").over(so_far))
    following = in_effect.withColumn("_next_at", F.lead("_at").over(by_position))
    return following.where(~F.col("_at").eqNullSafe(F.col("_next_at"))).drop("_next_at")


def _numbered(changes: DataFrame, key: tuple[str, ...], tracked: tuple[str, ...]) -> DataFrame:
    in_order = Window.partitionBy(*key).orderBy("_position")
    before = F.lag(_state(tracked)).over(in_order)
    starts = F.when(_state(tracked).eqNullSafe(before), 0).otherwise(1)
    return changes.withColumn("_starts", starts).withColumn("_stretch", F.sum("_starts").over(in_order))


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
