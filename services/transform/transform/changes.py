"""Change logs reduced to the rows that stand. Order of arrival plays no part; `_position` decides.

What is kept of a row of the source is a *chain*: its newest change that has all values, and the changes after it.
Ingest names in `_unchanged` the columns that an update did not touch and the server did not send; those are taken
from the change before. Nearly every chain is one change long. Chains fold: what is older than the newest complete
change plays no part, whenever it arrives.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType

# Ingest names here, as a JSON list, the columns that an update did not touch and the server did not send.
UNCHANGED = "_unchanged"
# How many changes the chain of a key has, on each of them.
CHAIN = "_chain"


def filled(changes: DataFrame, *keys: str) -> DataFrame:
    """The changes with values that were not sent taken from the change of the same key before them.

    A value stays null where no earlier change of that key has it: the first one after the key itself was changed.
    """
    if UNCHANGED not in changes.columns:
        return changes
    missing = F.from_json(F.col(UNCHANGED), ArrayType(StringType()))
    earlier = Window.partitionBy(*keys).orderBy("_position").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    own = {"_op", "_position", "_committed_at", "_ingested_at", UNCHANGED, CHAIN, *keys}

    def value(column: str) -> Column:
        left_out = F.coalesce(F.array_contains(missing, column), F.lit(False))
        known = F.when(~left_out & (F.col("_op") != "d"), F.struct(F.col(f"`{column}`").alias("value")))
        return F.when(left_out, F.last(known, ignorenulls=True).over(earlier)["value"]).otherwise(F.col(f"`{column}`"))

    return changes.select(*(name if name in own else value(name).alias(name) for name in changes.columns))


def chains(changes: DataFrame, *keys: str) -> DataFrame:
    """Of each key the newest complete change and those after it, each once, with the chain's length in `_chain`.

    A law: chains(chains(A) ∪ B) = chains(A ∪ B).
    """
    of_key = Window.partitionBy(*keys)
    complete = F.max(F.when(F.col(UNCHANGED).isNull(), F.col("_position"))).over(of_key)
    # Should two be said at one position, a delete wins.
    alike = Window.partitionBy(*keys, "_position").orderBy(F.col("_op") != "d", "_ingested_at")
    once = F.row_number().over(alike)
    kept = changes.drop(CHAIN).withColumn("_complete", complete).withColumn("_once", once)
    stands = F.col("_complete").isNull() | (F.col("_position") >= F.col("_complete"))
    chained = kept.where(stands & (F.col("_once") == 1)).drop("_complete", "_once")
    return chained.withColumn(CHAIN, F.count(F.lit(1)).over(of_key).cast("int"))


def after(changes: DataFrame, emptied_at: str) -> DataFrame:
    """The changes that follow a truncate of their table."""
    return changes.where(F.col("_position") > F.lit(emptied_at))


def since_truncate(changes: DataFrame) -> DataFrame:
    """The changes that follow the last truncate of their table, without the truncates; chains follow it already."""
    if CHAIN in changes.columns:
        return changes
    emptied = changes.where(F.col("_op") == "t").agg(F.max("_position").alias("_emptied_at"))
    stands = F.col("_emptied_at").isNull() | (F.col("_position") > F.col("_emptied_at"))
    return changes.where(F.col("_op") != "t").crossJoin(F.broadcast(emptied)).where(stands).drop("_emptied_at")


def newest(changes: DataFrame, *keys: str) -> DataFrame:
    """The last change of each key, deletes included, with all its values; chains or a log, either will do."""
    if CHAIN not in changes.columns:
        return first_of(filled(changes, *keys), keys, F.col("_position").desc())
    alone = changes.where(F.col(CHAIN) == 1)
    others = first_of(filled(changes.where(F.col(CHAIN) > 1), *keys), keys, F.col("_position").desc())
    return alone.unionByName(others).drop(CHAIN, UNCHANGED)


def live(changes: DataFrame, *keys: str) -> DataFrame:
    """The rows that exist in the source now: the last change of each key that is not deleted."""
    return newest(since_truncate(changes), *keys).where(F.col("_op") != "d")


def first_of(rows: DataFrame, keys: Sequence[Column | str], *order: Column | str) -> DataFrame:
    """Of each key the row that comes first in this order."""
    rank = F.row_number().over(Window.partitionBy(*keys).orderBy(*order))
    return rows.withColumn("_rank", rank).where(F.col("_rank") == 1).drop("_rank")
