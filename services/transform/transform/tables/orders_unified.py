"""Every order line of every channel, in one shape.

Grain: order line (order_id, line_number).
Reads: bronze orders and order items (shop: till and web), bronze marketplace orders, bronze online retail files,
silver.customer_identities. What each source says and what was decided about it stands in `order_sources/`.
Rules:
- The last version of a row or document by position counts, with its status; deleted ones are gone.
- Cancellations and returns are kept as such: a return is an order of its own with negative units and amounts. An order
  whose own status became `returned` keeps its positive amounts: that sale was undone. `adjusted` is no sale at all.
- What only repeats a line is counted and left out: a row or item that says the same (or differs in spelling alone) as
  one that counts, and a marketplace document under the number of an order that the shop has with a line at least.
- An unknown customer, store or sku stays empty or as it is: the dimensions have an unknown member.
- Prices of zero (gifts) and below (coupons, bad debts) stay as they are. Amounts are in `currency`, a code of ISO 4217;
  nothing is converted, and whoever sums amounts sums within one currency.
- Times are moments in UTC; a source without zones has its zone set in its module.
- Rejected: a line without its order, a document whose items are no array or empty, an order name that is not the
  document's `_id` or could be one of the files, a line number used twice for different things, a credit note that
  sells, a line that lacks an exact amount, a quantity, a currency, a status or a time, and one with a time, quantity or
  amount that no shop has (`contract.py`).
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.changes import live
from transform.contract import (
    REPEATED,
    RowCheck,
    clean,
    judge,
    plausible_amount,
    plausible_time,
    plausible_units,
    present,
)
from transform.order_sources import marketplace, online_retail, shop
from transform.order_sources.line import VALUES
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
LINE = list(VALUES)
CHANNELS = ("till", "web", "marketplace", online_retail.CHANNEL)
# With one of these a line is no sale.
NO_SALE = ("returned", "cancelled", "adjusted")
STATUSES = ("completed", "returned", "cancelled", "placed", "shipped", "delivered", "adjusted")
ROW_CHECKS = (
    RowCheck("document_readable", "document", "the document is not JSON of an order", "_fault <> 'unreadable'"),
    RowCheck("items_are_array", "items", "items is not an array", "_fault <> 'no_array'"),
    RowCheck("items_present", "items", "the order has no items", "_fault <> 'no_items'"),
    RowCheck("order_exists", "order_id", "the line's order is not there", "_fault <> 'no_order'"),
    RowCheck("order_named", "order_id", "order_number is not the id of the document", "_fault <> 'misnamed'"),
    RowCheck("order_named", "order_id", "InvoiceNo is not digits, or C or A and digits", "_fault <> 'no_invoice'"),
    RowCheck("line_unique", "line_number", "an earlier item of the order has this number", "_fault <> 'repeated'"),
    RowCheck("sign", "quantity", "a credit note has positive units", "_fault <> 'credit_sold'"),
    *(present(name) for name in ("order_id", "line_number", "quantity", "unit_price", "discount_amount")),
    *(present(name) for name in ("total_amount", "currency", "ordered_at")),
    RowCheck("known_channel", "channel", f"channel is none of {', '.join(CHANNELS)}", f"channel in {CHANNELS}"),
    RowCheck("known_status", "status", "status is none of the known ones", f"status in {STATUSES}"),
    RowCheck("currency_code", "currency", "currency is not a code of three letters", "currency rlike '^[A-Z]{3}$'"),
    *(plausible_time(name) for name in ("ordered_at", "updated_at")),
    plausible_units("quantity"),
    *(plausible_amount(name) for name in ("unit_price", "discount_amount", "total_amount")),
)


def order_lines(
    orders: DataFrame, order_items: DataFrame, marketplace_orders: DataFrame, online_retail_files: DataFrame
) -> DataFrame:
    """The lines of all sources with a verdict each; a document without readable items is one rejected row."""
    of_shop = shop.lines(orders, order_items)
    copied = shop.having_lines(orders, order_items, marketplace.shop_numbers(marketplace_orders))
    of_marketplace = marketplace.without_orders_of_the_shop(marketplace.lines(marketplace_orders), copied)
    return _judged(of_shop.unionByName(of_marketplace).unionByName(online_retail.lines(online_retail_files)))


def _judged(lines: DataFrame) -> DataFrame:
    conformed = {"currency": F.upper(F.trim("currency")), "status": F.lower(F.trim("status"))}
    raw = F.coalesce(F.col("_source_row"), F.to_json(F.struct(*LINE)))
    judged = judge(lines.withColumns(conformed), ROW_CHECKS, ["order_key", *LINE, "_repeats"], raw, "order_key")
    repeats = F.col("_repeats")
    repetition = F.struct(F.lit(REPEATED).alias("check"), F.lit("order_id").alias("column"), repeats.alias("reason"))
    return judged.withColumns(
        {
            "_failed": F.when(repeats.isNotNull(), repetition).otherwise(F.col("_failed")),
            "_row": F.when(repeats.isNull(), F.col("_row")),
        }
    ).drop("_repeats")


def distinct_lines(
    orders: DataFrame, order_items: DataFrame, marketplace_orders: DataFrame, online_retail_files: DataFrame
) -> DataFrame:
    """How many lines exist: live item rows, items of live documents (one without counts as one), rows of files."""
    del orders  # a line without its order is a line all the same
    items = live(order_items, "order_id", "line_number").agg(F.count(F.lit(1)).alias("lines"))
    rows = online_retail_files.agg(F.count(F.lit(1)).alias("lines"))
    return items.unionByName(marketplace.distinct(marketplace_orders)).unionByName(rows).agg(F.sum("lines"))


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
        scoped("silver.online_retail_rows", "order_key", pruned=("order_key", "order_key")),
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
    # Orders are numbered as they come: in the files of a day lies a narrow range of numbers; so they are found.
    partitioned_by=("days(ordered_at)",),
    sorted_by=("order_id",),
)
