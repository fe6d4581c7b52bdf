"""The calendar.

Grain: one UTC day (date_key, the number yyyymmdd); plus the unknown member, key 0.
Reads: silver.orders_unified.
Rules: whole years, from the year of the first order to the year of the last. Weeks are ISO weeks; Monday is day 1.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.columns import date_key
from transform.dimension import UNKNOWN_KEY, with_unknown
from transform.spec import BOOLEAN, DATE, INT, STRING, Table, optional, required, scoped

SATURDAY = 6
SCHEMA = StructType(
    [
        required("date_key", INT),
        optional("date", DATE),
        optional("year", INT),
        optional("quarter", INT),
        optional("month", INT),
        optional("week", INT),
        optional("day_of_week", INT),
        optional("day_name", STRING),
        optional("is_weekend", BOOLEAN),
    ]
)
PERSONAL: tuple[str, ...] = ()


def dim_date(orders: DataFrame) -> DataFrame:
    """The days of the years in which there were orders, and the unknown day."""
    years = orders.agg(F.year(F.min("ordered_at")).alias("first"), F.year(F.max("ordered_at")).alias("last"))
    first, last = F.make_date("first", F.lit(1), F.lit(1)), F.make_date("last", F.lit(12), F.lit(31))
    days = years.where(F.col("first").isNotNull()).select(F.explode(F.sequence(first, last)).alias("date"))
    weekday = F.weekday("date") + 1
    calendar = days.select(
        date_key(F.col("date")).alias("date_key"),
        "date",
        F.year("date").alias("year"),
        F.quarter("date").alias("quarter"),
        F.month("date").alias("month"),
        F.weekofyear("date").alias("week"),
        weekday.alias("day_of_week"),
        F.date_format("date", "EEEE").alias("day_name"),
        (weekday >= SATURDAY).alias("is_weekend"),
    )
    return with_unknown(calendar, SCHEMA, date_key=UNKNOWN_KEY).select(*SCHEMA.names)


TABLE = Table(
    name="gold.dim_date",
    grain=("date_key",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=(),
    reads=(scoped("silver.orders_unified"),),
    build=dim_date,
)
