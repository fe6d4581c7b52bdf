"""What was sold: the centre of the star.

Grain: order line (order_id, line_number). Partition: day of ordered_at; within a day by customer.
Reads: silver.orders_unified, gold.dim_users, gold.dim_products, gold.dim_stores, gold.dim_date.
Rules: every line of orders_unified is here once, with the same quantity and amount. `user_key` is the version of
the user that was valid at `ordered_at`. What a dimension does not know gets its unknown member, key 0.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.columns import all_of, date_key
from transform.dimension import UNKNOWN_KEY
from transform.spec import (
    INT,
    LONG,
    MONEY,
    STRING,
    TIMESTAMP,
    UNIT_PRICE,
    Difference,
    Read,
    Reference,
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
        required("status", STRING),
        required("user_key", LONG),
        required("product_key", LONG),
        required("store_key", LONG),
        required("date_key", INT),
        required("quantity", LONG),
        required("unit_price", UNIT_PRICE),
        required("discount_amount", MONEY),
        required("total_amount", MONEY),
        required("currency", STRING),
        required("ordered_at", TIMESTAMP),
        optional("customer_id", STRING),
    ]
)
PERSONAL: tuple[str, ...] = ()


def fact_order(
    orders: DataFrame, users: DataFrame, products: DataFrame, stores: DataFrame, dates: DataFrame
) -> DataFrame:
    """The order lines with the keys of their dimensions."""
    line = orders.withColumn("_date_key", date_key(F.col("ordered_at"))).alias("line")
    versions = users.select("user_key", "source", "source_user_id", "start_date", "end_date").alias("user")
    joined = (
        line.join(versions, on=_was_valid(), how="left")
        .join(_known(products, "product_key", "sku"), on="sku", how="left")
        .join(_known(stores, "store_key", "store_id"), on="store_id", how="left")
        .join(dates.select("date_key"), on=F.col("date_key") == F.col("_date_key"), how="left")
    )
    keys = {name: _or_unknown(name) for name in ("user_key", "product_key", "store_key", "date_key")}
    return joined.select(*(keys.get(name, F.col(name)) for name in SCHEMA.names))


def _known(members: DataFrame, key: str, natural_key: str) -> DataFrame:
    # A product may be named like the unknown one; a line must not meet both.
    return members.where(F.col(key) != UNKNOWN_KEY).select(key, natural_key)


def _was_valid() -> Column:
    had_started = F.col("user.start_date") <= F.col("line.ordered_at")
    had_not_ended = F.col("user.end_date").isNull() | (F.col("line.ordered_at") < F.col("user.end_date"))
    return all_of(
        F.col("line.source") == F.col("user.source"),
        F.col("line.source_user_id") == F.col("user.source_user_id"),
        had_started,
        had_not_ended,
    )


def _or_unknown(key: str) -> Column:
    return F.coalesce(F.col(key), F.lit(UNKNOWN_KEY)).alias(key)


def lines_of_users(changed: Difference, read: Read) -> DataFrame:
    """The order lines placed since a user's versions begin or end at another moment than they did."""
    before, after = (_moments(rows) for rows in (changed.before, changed.after))
    moved = before.subtract(after).unionByName(after.subtract(before))
    since = moved.groupBy("source", "source_user_id").agg(F.min("at").alias("_since"))
    # Told as a value, it lets Spark leave the days before it unread; null when none moved.
    earliest = since.agg(F.unix_micros(F.min("_since"))).collect()[0][0]
    lines = read("silver.orders_unified").where(F.col("ordered_at") >= F.timestamp_micros(F.lit(earliest)))
    return lines.join(F.broadcast(since), ["source", "source_user_id"]).where(F.col("ordered_at") >= F.col("_since"))


def _moments(versions: DataFrame) -> DataFrame:
    # That a version ends at a moment is another thing than that one begins there.
    each = (F.struct(F.lit(name).alias("what"), F.col(name).alias("at")) for name in ("start_date", "end_date"))
    return versions.select("source", "source_user_id", F.inline(F.array(*each)))


def lines_of_products(changed: Difference, read: Read) -> DataFrame:
    """The order lines of products that are known now, or no more."""
    return _lines_of("sku", changed, read)


def lines_of_stores(changed: Difference, read: Read) -> DataFrame:
    """The order lines of stores that are known now, or no more."""
    return _lines_of("store_id", changed, read)


def _lines_of(key: str, changed: Difference, read: Read) -> DataFrame:
    before, after = changed.before.select(key), changed.after.select(key)
    moved = before.subtract(after).unionByName(after.subtract(before))
    return read("silver.orders_unified").join(F.broadcast(moved), key, "left_semi")


TABLE = Table(
    name="gold.fact_order",
    grain=("order_id", "line_number"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("order_id",),
    located="ordered_at",
    reads=(
        scoped("silver.orders_unified", "order_id", pruned=("order_id", "order_id")),
        looked_up("gold.dim_users", lines_of_users),
        looked_up("gold.dim_products", lines_of_products),
        looked_up("gold.dim_stores", lines_of_stores),
        looked_up("gold.dim_date"),
    ),
    build=fact_order,
    partitioned_by=("days(ordered_at)",),
    sorted_by=("customer_id", "ordered_at"),
    references=(
        Reference("user_key", "gold.dim_users", "user_key"),
        Reference("product_key", "gold.dim_products", "product_key"),
        Reference("store_key", "gold.dim_stores", "store_key"),
        Reference("date_key", "gold.dim_date", "date_key"),
        Reference("customer_id", "silver.customer_identities", "customer_id"),
    ),
)
