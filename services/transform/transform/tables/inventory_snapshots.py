"""What was on hand at the close of each day that saw a movement.

Grain: sku × location × UTC day with at least one movement; a day without one closes as the day before it.
Reads: silver.stock_movements_clean.
Rules: the fold of the movements in the order of `occurred_at` (ties: sequence, then event id), whatever the order of
arrival. A count sets what is on hand, everything else adds to it; before the first count the fold starts at zero.
`received`, `sold` and `returned` are units moved (sold as a positive number), `transferred` and `adjusted` are net and
signed, `counted` is the day's last count. Stock may be negative: that is a finding, not an error.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.columns import sum_where
from transform.spec import DATE, LONG, STRING, Table, optional, required

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
    shelf, order = ["sku", "location"], ["occurred_at", "sequence", "event_id"]
    counts_so_far = F.count(F.when(_is("count"), 1)).over(Window.partitionBy(*shelf).orderBy(*order))
    # Since a count is the first of its group and sets what is on hand, the sum within the group is the fold.
    since_count = Window.partitionBy(*shelf, "_counts").orderBy(*order)
    folded = (
        movements.withColumn("_counts", counts_so_far)
        .withColumn("on_hand", F.sum("quantity").over(since_count))
        .withColumn("day", F.to_date("occurred_at"))
    )
    in_order = F.struct(*order)
    closes = folded.groupBy(*shelf, "day").agg(
        F.max_by("on_hand", in_order).alias("on_hand_close"),
        sum_where("quantity", _is("receipt")).alias("received"),
        (-sum_where("quantity", _is("sale"))).alias("sold"),
        sum_where("quantity", _is("return")).alias("returned"),
        sum_where("quantity", _is("transfer")).alias("transferred"),
        sum_where("quantity", _is("adjustment")).alias("adjusted"),
        F.max_by("quantity", F.when(_is("count"), in_order)).alias("counted"),
    )
    return closes.select(*SCHEMA.names)


def _is(kind: str) -> Column:
    return F.col("type") == kind


TABLE = Table(
    name="silver.inventory_snapshots",
    grain=("sku", "location", "day"),
    schema=SCHEMA,
    personal=PERSONAL,
    reads=("silver.stock_movements_clean",),
    build=inventory_snapshots,
)
