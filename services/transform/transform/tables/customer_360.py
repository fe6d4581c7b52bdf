"""One customer on one row: who they are, and what they bought. The customer360 service loads this table.

Grain: one customer (customer_id).
Reads: silver.users_scd, silver.customer_orders.
Rules: the person is described by one source user's last version: one that exists before a deleted one, the shop before
the marketplace, then the newest. `emails` and `phones` are all ever known, in their normal spelling. A customer is
deleted when every source user behind it is. Counts, dates and favourites are over purchases; what those are, and what
is in the amounts, stands in `customer_orders`. All amounts are in `currency`, that of most of the customer's purchases
(ties: the first by name); lines in other currencies are in no amount, and `other_currency_lines` says how many. The
favourite store and department are those with the most orders (ties: the larger amount, then the smaller id or name).
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType

from transform.changes import first_of
from transform.columns import e164, normalised_email
from transform.spec import (
    BOOLEAN,
    DATE,
    LONG,
    MONEY,
    STRING,
    TIMESTAMP,
    Table,
    optional,
    required,
    scoped,
)
from transform.tables.customer_orders import CHANNELS

SOURCE_USER = StructType([required("source", STRING), required("source_user_id", STRING)])
DESCRIPTION = StructType(
    [
        optional("first_name", STRING),
        optional("last_name", STRING),
        optional("email", STRING),
        optional("phone", STRING),
        optional("street", STRING),
        optional("city", STRING),
        optional("postal_code", STRING),
        optional("state", STRING),
        optional("birth_date", DATE),
        optional("age_band", STRING),
        optional("income_band", STRING),
        optional("household_size", STRING),
        optional("loyalty_number", STRING),
        optional("marketing_consent", BOOLEAN),
    ]
)
SCHEMA = StructType(
    [
        required("customer_id", STRING),
        *DESCRIPTION.fields,
        required("source_users", ArrayType(SOURCE_USER)),
        required("emails", ArrayType(STRING)),
        required("phones", ArrayType(STRING)),
        optional("first_order_at", TIMESTAMP),
        optional("last_order_at", TIMESTAMP),
        optional("currency", STRING),
        required("other_currency_lines", LONG),
        required("order_count", LONG),
        required("line_count", LONG),
        required("units", LONG),
        required("total_amount", MONEY),
        required("returned_amount", MONEY),
        *(required(f"{channel}_amount", MONEY) for channel in CHANNELS),
        optional("favourite_store_id", LONG),
        optional("favourite_department", STRING),
        required("is_deleted", BOOLEAN),
    ]
)
PERSONAL = (*DESCRIPTION.names, "source_users", "emails", "phones")
COUNTED = ("other_currency_lines", "order_count", "line_count", "units")
SUMMED = ("total_amount", "returned_amount", *(f"{channel}_amount" for channel in CHANNELS))


def customer_360(users: DataFrame, orders: DataFrame) -> DataFrame:
    """Every customer, those who never bought included."""
    profiles = (
        _people(users)
        .join(_figures(orders), on="customer_id", how="left")
        .join(_favourite(orders, "stores", "store_id", "favourite_store_id"), on="customer_id", how="left")
        .join(_favourite(orders, "departments", "department", "favourite_department"), on="customer_id", how="left")
    )
    zero_if_none = {
        name: F.coalesce(name, F.lit(0)).cast(SCHEMA[name].dataType).alias(name) for name in COUNTED + SUMMED
    }
    return profiles.select(*(zero_if_none.get(name, F.col(name)) for name in SCHEMA.names))


def _people(users: DataFrame) -> DataFrame:
    of_user = Window.partitionBy("source", "source_user_id").orderBy(F.desc("valid_from"))
    last = F.row_number().over(of_user) == 1
    # The greatest of these describes the customer: existing, then of the shop ('s' > 'm'), then newest.
    rank = F.struct(~F.col("is_deleted"), "source", "valid_from", "source_user_id")
    described = F.max_by(F.struct(*DESCRIPTION.names), F.when(F.col("_last"), rank))
    return (
        users.withColumn("_last", last)
        .groupBy("customer_id")
        .agg(
            described.alias("_described"),
            _distinct(F.struct("source", "source_user_id")).alias("source_users"),
            _distinct(normalised_email(F.col("email"))).alias("emails"),
            _distinct(e164(F.col("phone"))).alias("phones"),
            F.bool_and(F.when(F.col("_last"), F.col("is_deleted"))).alias("is_deleted"),
        )
        .select("customer_id", "_described.*", "source_users", "emails", "phones", "is_deleted")
    )


def _distinct(values: Column) -> Column:
    return F.sort_array(F.collect_set(values))


def _figures(orders: DataFrame) -> DataFrame:
    # An order has one currency, so orders counted by currency add up.
    by_currency, main = _figures_by_currency(orders), F.struct("currency", "_lines", *SUMMED)
    main_first = F.struct(-F.col("line_count"), "currency")
    return (
        by_currency.groupBy("customer_id")
        .agg(
            F.min("first_order_at").alias("first_order_at"),
            F.max("last_order_at").alias("last_order_at"),
            *(F.sum(name).alias(name) for name in ("order_count", "line_count", "units", "_lines")),
            F.min_by(main, main_first).alias("_main"),
        )
        .withColumn("other_currency_lines", F.col("_lines") - F.col("_main._lines"))
        .select("*", "_main.currency", *(f"_main.{name}" for name in SUMMED))
        .drop("_main", "_lines")
    )


def _figures_by_currency(orders: DataFrame) -> DataFrame:
    return orders.groupBy("customer_id", "currency").agg(
        F.sum("lines").alias("_lines"),
        F.min("first_bought_at").alias("first_order_at"),
        F.max("last_bought_at").alias("last_order_at"),
        F.count_if(F.col("bought_lines") > 0).alias("order_count"),
        F.sum("bought_lines").alias("line_count"),
        *(F.sum(name).alias(name) for name in ("units", *SUMMED)),
    )


def _favourite(orders: DataFrame, where: str, what: str, name: str) -> DataFrame:
    bought = orders.select("customer_id", "order_id", F.inline(where)).groupBy("customer_id", what)
    counted = bought.agg(F.count_distinct("order_id").alias("_orders"), F.sum("amount").alias("_amount"))
    first = first_of(counted, ("customer_id",), F.desc("_orders"), F.desc("_amount"), F.asc(what))
    return first.select("customer_id", F.col(what).alias(name))


TABLE = Table(
    name="gold.customer_360",
    grain=("customer_id",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("customer_id",),
    reads=(
        scoped("silver.users_scd", "customer_id"),
        scoped("silver.customer_orders", "customer_id"),
    ),
    build=customer_360,
)
