"""Every order line of every channel, in one shape.

Grain: order line (order_id, line_number).
Reads: bronze orders and order items (shop: till and web), bronze marketplace orders, silver.customer_identities.
Rules: the last version of a row or document counts; deleted ones are gone. Cancellations and returns are kept as
such: a return is an order of its own with negative amounts, that names the order it returns. An unknown customer,
store or sku stays empty or as it is: the dimensions have an unknown member. Rejected: a line without its order, a
document whose items are no array or empty, an order number that is not the document's `_id` or could be one of the
shop's, a line number used twice, a line that lacks an exact amount, a quantity, a status or a time, and one with a
time, quantity or amount that no shop has (`contract.py`).
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.changes import UNCHANGED, live
from transform.columns import extended_decimal, extended_long, extended_timestamp
from transform.contract import RowCheck, clean, judge, plausible_amount, plausible_time, plausible_units, present
from transform.documents import document_key, opened, opened_item
from transform.spec import (
    INT,
    LONG,
    MONEY,
    STRING,
    TIMESTAMP,
    UNIT_PRICE,
    Difference,
    Judged,
    Read,
    Table,
    looked_up,
    optional,
    required,
    scoped,
)

SCHEMA = StructType(
    [
        required("order_id", STRING),
        required("line_number", INT),
        required("channel", STRING),
        required("source", STRING),
        optional("source_user_id", STRING),
        optional("customer_id", STRING),
        optional("store_id", LONG),
        optional("sku", STRING),
        required("quantity", LONG),
        required("unit_price", UNIT_PRICE),
        required("discount_amount", MONEY),
        required("total_amount", MONEY),
        required("currency", STRING),
        required("status", STRING),
        optional("card_token", STRING),
        optional("returns_order_id", STRING),
        required("ordered_at", TIMESTAMP),
        optional("updated_at", TIMESTAMP),
    ]
)
PERSONAL = ("card_token",)
LINE = [name for name in SCHEMA.names if name != "customer_id"]
ROW_CHECKS = (
    RowCheck("document_readable", "document", "the document is not JSON of an order", "_fault <> 'unreadable'"),
    RowCheck("items_are_array", "items", "items is not an array", "_fault <> 'no_array'"),
    RowCheck("items_present", "items", "the order has no items", "_fault <> 'no_items'"),
    RowCheck("order_exists", "order_id", "the line's order is not there", "_fault <> 'no_order'"),
    RowCheck("order_named", "order_id", "order_number is not the id of the document", "_fault <> 'misnamed'"),
    RowCheck("line_unique", "line_number", "an earlier item of the order has this number", "_fault <> 'repeated'"),
    *(present(name) for name in ("order_id", "line_number", "quantity", "unit_price", "discount_amount")),
    *(present(name) for name in ("total_amount", "currency", "ordered_at")),
    RowCheck(
        "known_channel",
        "channel",
        "channel is not till, web or marketplace",
        "channel in ('till', 'web', 'marketplace')",
    ),
    RowCheck(
        "known_status",
        "status",
        "status is none of the known ones",
        "status in ('completed', 'returned', 'cancelled', 'placed', 'shipped', 'delivered')",
    ),
    *(plausible_time(name) for name in ("ordered_at", "updated_at")),
    plausible_units("quantity"),
    *(plausible_amount(name) for name in ("unit_price", "discount_amount", "total_amount")),
)


def order_lines(orders: DataFrame, order_items: DataFrame, marketplace_orders: DataFrame) -> DataFrame:
    """The lines of all channels with a verdict each; a document without readable items is one rejected row."""
    lines = _shop_lines(orders, order_items).unionByName(_marketplace_lines(marketplace_orders))
    raw = F.coalesce(F.col("_source_row"), F.to_json(F.struct(*LINE)))
    return judge(lines, ROW_CHECKS, ["order_key", *LINE], raw, "order_key")


def _shop_lines(orders: DataFrame, order_items: DataFrame) -> DataFrame:
    heads = live(orders, "order_id").drop("_op", "_position", "_committed_at", "_ingested_at", UNCHANGED)
    lines = live(order_items, "order_id", "line_number")
    return lines.join(heads.withColumn("_has_order", F.lit(True)), on="order_id", how="left").select(
        F.col("order_id").cast("string").alias("order_key"),
        F.col("order_id").cast("string").alias("order_id"),
        "line_number",
        "channel",
        F.lit("shop").alias("source"),
        F.col("user_id").cast("string").alias("source_user_id"),
        "store_id",
        "sku",
        "quantity",
        "unit_price",
        F.col("discount_amount").cast(MONEY).alias("discount_amount"),
        F.col("line_amount").cast(MONEY).alias("total_amount"),
        "currency",
        "status",
        "card_token",
        F.col("returns_order_id").cast("string").alias("returns_order_id"),
        "ordered_at",
        "updated_at",
        F.when(F.col("_has_order").isNull(), "no_order").otherwise("none").alias("_fault"),
        F.lit(None).cast("string").alias("_source_row"),
        "_position",
        F.col("_ingested_at").alias("_seen_at"),
    )


def _marketplace_lines(marketplace_orders: DataFrame) -> DataFrame:
    documents = opened(live(marketplace_orders, "_id")).withColumn("_fault", _document_fault())
    each = documents.select("*", F.posexplode_outer("_items").alias("_index", "_item_json"))
    items = each.withColumn("_item", opened_item(F.col("_item_json")))
    typed = items.withColumn("line_number", extended_long(F.col("_item.line")).try_cast("int"))
    same_number = Window.partitionBy("_id", "line_number").orderBy("_index")
    is_repeated = F.col("line_number").isNotNull() & (F.row_number().over(same_number) > 1)
    return typed.withColumn("_fault", F.when(is_repeated, "repeated").otherwise(F.col("_fault"))).select(
        document_key().alias("order_key"),
        F.col("_order.order_number").alias("order_id"),
        "line_number",
        F.lit("marketplace").alias("channel"),
        F.lit("marketplace").alias("source"),
        F.col("_buyer.buyer_id").alias("source_user_id"),
        extended_long(F.col("_order.store_id")).alias("store_id"),
        F.col("_item.sku").alias("sku"),
        extended_long(F.col("_item.quantity")).alias("quantity"),
        extended_decimal(F.col("_item.unit_price"), 18, 6).alias("unit_price"),
        extended_decimal(F.col("_item.discount"), 18, 2).alias("discount_amount"),
        extended_decimal(F.col("_item.amount"), 18, 2).alias("total_amount"),
        F.col("_payment.currency").alias("currency"),
        F.col("_order.status").alias("status"),
        F.col("_payment.card_token").alias("card_token"),
        F.lit(None).cast("string").alias("returns_order_id"),
        extended_timestamp(F.col("_order.placed_at")).alias("ordered_at"),
        extended_timestamp(F.col("_order.updated_at")).alias("updated_at"),
        "_fault",
        F.coalesce("_item_json", "document").alias("_source_row"),
        "_position",
        F.col("_ingested_at").alias("_seen_at"),
    )


def _document_fault() -> Column:
    return (
        F.when(F.col("_order.order_number").isNull(), "unreadable")
        .when(F.col("_items").isNull(), "no_array")
        .when(F.size("_items") == 0, "no_items")
        .when(_is_misnamed(), "misnamed")
        .otherwise("none")
    )


def _is_misnamed() -> Column:
    number = F.col("_order.order_number")
    # Digits alone are an order of the shop; a document that took them would share that order's lines.
    return ~document_key().eqNullSafe(number) | number.rlike("^[0-9]+$")


def distinct_lines(orders: DataFrame, order_items: DataFrame, marketplace_orders: DataFrame) -> DataFrame:
    """How many lines exist: live item rows, and items of live documents, where one without items counts as one."""
    del orders  # a line without its order is a line all the same
    items = live(order_items, "order_id", "line_number").agg(F.count(F.lit(1)).alias("lines"))
    # Opened as the lines are: another reader of JSON would disagree about odd documents, and the release would stop.
    count = F.coalesce(F.size("_items"), F.lit(1))
    documents = opened(live(marketplace_orders, "_id")).agg(F.sum(F.greatest(count, F.lit(1))).alias("lines"))
    return items.unionByName(documents).agg(F.sum("lines"))


def orders_unified(lines: DataFrame, identities: DataFrame) -> DataFrame:
    """The clean lines with the customer behind each source user."""
    customers = identities.select("source", "source_user_id", "customer_id")
    return (
        clean(lines)
        .drop("order_key")
        .join(customers, on=["source", "source_user_id"], how="left")
        .select(*SCHEMA.names)
    )


def orders_of_customers(changed: Difference, read: Read) -> DataFrame:
    """The orders of source users who are another customer now."""
    users = changed.rows.select("source", "source_user_id").distinct()
    return read("silver.orders_unified").join(F.broadcast(users), ["source", "source_user_id"], "left_semi")


_NUMBER = "try_cast(order_key as bigint)"
JUDGED = Judged(
    name="judged.order_lines",
    table="silver.orders_unified",
    scope=("order_key",),
    key="order_key",
    reads=(
        scoped("silver.latest_orders", "cast(order_id as string)", pruned=("order_id", _NUMBER)),
        scoped("silver.latest_order_items", "cast(order_id as string)", pruned=("order_id", _NUMBER)),
        scoped("silver.latest_marketplace_orders", "order_key", pruned=("order_key", "order_key")),
    ),
    build=order_lines,
    count_input=distinct_lines,
)
TABLE = Table(
    name="silver.orders_unified",
    grain=("order_id", "line_number"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("order_id",),
    reads=(scoped("judged.order_lines", "order_key"), looked_up("silver.customer_identities", orders_of_customers)),
    build=orders_unified,
    sorted_by=("order_id",),
)
