"""What was on hand at the close of each day that saw a movement.

Grain: sku × location × UTC day with at least one movement; a day without one closes as the day before it.
Reads: silver.stock_movements_clean.
Rules: the close is the fold of what occurred on hand up to the end of the day, whatever the order of arrival: the count
with the latest `occurred_at` (the lowest of several at that instant; without a count zero) plus all other movements at
or after that instant; other buckets (damaged, quality control) are no part of it. The inventory service folds in the
same way; both pass `tests/stock_cases.py`. `received`, `sold` and `returned` are units moved (sold as a positive
number), `transferred` and `adjusted` are net and signed, `counted` is the day's last count. Stock may be negative: that
is a finding, not an error.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from pyspark.sql.window import WindowSpec

from transform.columns import sum_where
from transform.spec import DATE, LONG, STRING, Table, optional, required, scoped

SCHEMA = StructType(
    [
        required("sku", STRING),
        required("location", STRING),
        required("day", DATE),
        required("on_hand_close", LONG),
        required("received", LONG),
        required("sold", LONG),
        required("returned", LONG),
        required("transferred", LONG),
        required("adjusted", LONG),
        optional("counted", LONG),
    ]
)
PERSONAL: tuple[str, ...] = ()


def inventory_snapshots(movements: DataFrame) -> DataFrame:
    """The daily closes of each sku at each location."""
    shelf = ["sku", "location"]
    counted, moved = F.when(_is("count"), F.col("quantity")), F.when(~_is("count"), F.col("quantity"))
    # Ranges, not rows: what occurred at one instant belongs together, in whatever order it stands.
    last_count = F.max(F.when(_is("count"), F.col("occurred_at"))).over(_up_to_now(*shelf))
    since_count = _up_to_now(*shelf, "_counted_at")
    base, change = F.min(counted).over(since_count), F.sum(moved).over(since_count)
    folded = (
        movements.where(F.col("bucket") == "on_hand")
        .withColumn("_counted_at", last_count)
        .withColumn("on_hand", F.coalesce(base, F.lit(0)) + F.coalesce(change, F.lit(0)))
        .withColumn("day", F.to_date("occurred_at"))
    )
    lowest_of_last = F.struct("occurred_at", -F.col("quantity"))
    closes = folded.groupBy(*shelf, "day").agg(
        F.max_by("on_hand", "occurred_at").alias("on_hand_close"),
        sum_where("quantity", _is("receipt")).alias("received"),
        (-sum_where("quantity", _is("sale"))).alias("sold"),
        sum_where("quantity", _is("return")).alias("returned"),
        sum_where("quantity", _is("transfer")).alias("transferred"),
        sum_where("quantity", _is("adjustment")).alias("adjusted"),
        F.max_by("quantity", F.when(_is("count"), lowest_of_last)).alias("counted"),
    )
    return closes.select(*SCHEMA.names)


def _up_to_now(*of: str) -> WindowSpec:
    return Window.partitionBy(*of).orderBy("occurred_at").rangeBetween(Window.unboundedPreceding, Window.currentRow)


def _is(kind: str) -> Column:
    return F.col("type") == kind


TABLE = Table(
    name="silver.inventory_snapshots",
    grain=("sku", "location", "day"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("sku", "location"),
    reads=(scoped("silver.stock_movements_clean", "sku", "location", pruned=("sku", "sku")),),
    build=inventory_snapshots,
)
