"""The shop's order lines (till and web): the last change of each order and of each line counts.

Times have their zone in the source. A line's status, customer, store and times are those of its order.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transform.changes import UNCHANGED, live, since_truncate
from transform.order_sources.line import COLUMNS, NO_FAULT
from transform.spec import MONEY


def lines(orders: DataFrame, order_items: DataFrame) -> DataFrame:
    """The lines that exist in the shop now; one without its order has the fault `no_order`."""
    heads = live(orders, "order_id").drop("_op", "_position", "_committed_at", "_ingested_at", UNCHANGED)
    items = live(order_items, "order_id", "line_number")
    both = items.join(heads.withColumn("_has_order", F.lit(True)), on="order_id", how="left")
    nothing = F.lit(None).cast("string")
    return both.withColumns(
        {
            "order_key": F.col("order_id").cast("string"),
            "order_id": F.col("order_id").cast("string"),
            "source": F.lit("shop"),
            "source_user_id": F.col("user_id").cast("string"),
            "discount_amount": F.col("discount_amount").cast(MONEY),
            "total_amount": F.col("line_amount").cast(MONEY),
            "returns_order_id": F.col("returns_order_id").cast("string"),
            "_fault": F.when(F.col("_has_order").isNull(), "no_order").otherwise(NO_FAULT),
            "_repeats": nothing,
            "_source_row": nothing,
            "_seen_at": F.col("_ingested_at"),
        }
    ).select(*COLUMNS)


def having_lines(orders: DataFrame, order_items: DataFrame, numbers: DataFrame) -> DataFrame:
    """Those of these numbers (column `order_id`, text) under which the shop has an order with a line, each once."""
    # They are few, so the change logs are cut down to them before anything is sorted.
    heads, items = (
        _existing(_of(orders, numbers), "order_id"),
        _existing(_of(order_items, numbers), "order_id", "line_number"),
    )
    both = items.join(heads, on="order_id", how="left_semi")
    return both.select(F.col("order_id").cast("string").alias("order_id")).distinct()


def _existing(changes: DataFrame, *keys: str) -> DataFrame:
    """The keys of what exists now; as `live`, without the values, which cost much more to plan."""
    last = since_truncate(changes).groupBy(*keys).agg(F.max_by("_op", "_position").alias("_op"))
    return last.where(F.col("_op") != "d").select(*keys)


def _of(changes: DataFrame, numbers: DataFrame) -> DataFrame:
    """The changes of these orders, and the truncates, which concern every order."""
    wanted = numbers.select(F.col("order_id").alias("_wanted"))
    named = changes.join(wanted, F.col("order_id").cast("string") == F.col("_wanted"), "left")
    return named.where(F.col("_wanted").isNotNull() | (F.col("_op") == "t")).drop("_wanted")
