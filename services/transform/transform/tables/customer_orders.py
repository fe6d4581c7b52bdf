"""What each customer bought in each order: the lines of an order on one row, so that a customer is summed up quickly.

Grain: one order of one customer in one currency (order_id, customer_id, currency).
Reads: silver.orders_unified, gold.dim_products.
Rules: lines without a customer are nobody's. Purchases are lines that are neither cancelled, nor returned, nor
adjusted; `total_amount` and the amounts by channel are purchases less returns; `returned_amount` is what was given
back. A line that became returned with a positive amount is a sale that was undone, and in no amount. `stores` and
`departments` are those of the purchases, each with its amount.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType

from transform.columns import sum_where
from transform.dimension import UNKNOWN_KEY
from transform.spec import (
    LONG,
    MONEY,
    STRING,
    TIMESTAMP,
    Difference,
    Read,
    Table,
    looked_up,
    optional,
    required,
    scoped,
)
from transform.tables.orders_unified import NO_SALE

CHANNELS = ("till", "web", "marketplace")
BY_STORE = StructType([optional("store_id", LONG), optional("amount", MONEY)])
BY_DEPARTMENT = StructType([optional("department", STRING), optional("amount", MONEY)])
SCHEMA = StructType(
    [
        required("order_id", STRING),
        required("customer_id", STRING),
        required("currency", STRING),
        optional("first_bought_at", TIMESTAMP),
        optional("last_bought_at", TIMESTAMP),
        required("lines", LONG),
        required("bought_lines", LONG),
        required("units", LONG),
        required("total_amount", MONEY),
        required("returned_amount", MONEY),
        *(required(f"{channel}_amount", MONEY) for channel in CHANNELS),
        required("stores", ArrayType(BY_STORE)),
        required("departments", ArrayType(BY_DEPARTMENT)),
    ]
)
PERSONAL: tuple[str, ...] = ()
GRAIN = ("order_id", "customer_id", "currency")


def customer_orders(orders: DataFrame, products: DataFrame) -> DataFrame:
    """One row per order of a known customer, also when nothing of it was bought in the end."""
    # A product may be named like the unknown one; a line must not meet both.
    known = products.where(F.col("product_key") != UNKNOWN_KEY).select("sku", "department")
    lines = orders.where(F.col("customer_id").isNotNull()).join(known, on="sku", how="left")
    counted = lines.groupBy(*GRAIN).agg(*_figures(), _bought_by("store_id"), _bought_by("department"))
    stores, departments = _amounts("store_id", BY_STORE), _amounts("department", BY_DEPARTMENT)
    made = counted.withColumns({"stores": stores, "departments": departments})
    return made.select(*(F.col(field.name).cast(field.dataType).alias(field.name) for field in SCHEMA.fields))


def _is_purchase() -> Column:
    return ~F.col("status").isin(*NO_SALE)


def _figures() -> list[Column]:
    bought, returned = _is_purchase(), (F.col("status") == "returned") & (F.col("total_amount") <= 0)
    counts = bought | returned
    return [
        F.min(F.when(bought, F.col("ordered_at"))).alias("first_bought_at"),
        F.max(F.when(bought, F.col("ordered_at"))).alias("last_bought_at"),
        F.count(F.lit(1)).alias("lines"),
        F.count(F.when(bought, 1)).alias("bought_lines"),
        sum_where("quantity", bought).alias("units"),
        sum_where("total_amount", counts).alias("total_amount"),
        (-sum_where("total_amount", returned)).alias("returned_amount"),
        *(sum_where("total_amount", counts & (F.col("channel") == name)).alias(f"{name}_amount") for name in CHANNELS),
    ]


def _bought_by(what: str) -> Column:
    each = F.struct(F.col(what).alias("of"), F.col("total_amount").alias("amount"))
    return F.collect_list(F.when(_is_purchase() & F.col(what).isNotNull(), each)).alias(f"_{what}")


def _amounts(what: str, kind: StructType) -> Column:
    """From the purchases of an order, each with its store or department, to the amount of each, in order."""
    bought, zero = F.col(f"_{what}"), F.lit(0).cast(MONEY)

    def amount(of: Column) -> Column:
        lines = F.filter(bought, lambda line: line["of"] == of)
        return F.aggregate(lines, zero, lambda total, line: (total + line["amount"]).cast(MONEY))

    each = F.array_sort(F.array_distinct(F.transform(bought, lambda line: line["of"])))
    return F.transform(each, lambda of: F.struct(of, amount(of))).cast(ArrayType(kind))


def orders_of_products(changed: Difference, read: Read) -> DataFrame:
    """The orders of what is in another department now."""
    skus = changed.rows.select("sku").distinct()
    return read("silver.orders_unified").join(F.broadcast(skus), "sku", "left_semi").select("order_id")


TABLE = Table(
    name="silver.customer_orders",
    grain=GRAIN,
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("order_id",),
    reads=(
        scoped("silver.orders_unified", "order_id", pruned=("order_id", "order_id")),
        looked_up("gold.dim_products", orders_of_products),
    ),
    build=customer_orders,
    sorted_by=("order_id",),
)
