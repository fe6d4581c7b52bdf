"""The stores, as they were last described.

Grain: one store (store_key); plus the unknown member, key 0.
Reads: bronze stores.
Rules: the last change of a store counts; a store that was deleted stays, since old facts point at it. `store_key` is a
hash of the store id. A day of opening that no shop has had (a year outside 1850 to 2199) is left empty.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType, StructType

from transform.changes import newest
from transform.columns import surrogate_key
from transform.dimension import UNKNOWN, UNKNOWN_KEY, with_unknown
from transform.spec import DATE, LONG, STRING, Table, optional, required, scoped

DEGREES = DecimalType(9, 6)
SCHEMA = StructType(
    [
        required("store_key", LONG),
        optional("store_id", LONG),
        optional("name", STRING),
        optional("city", STRING),
        optional("state", STRING),
        optional("postal_code", STRING),
        optional("latitude", DEGREES),
        optional("longitude", DEGREES),
        optional("opened_on", DATE),
    ]
)
PERSONAL: tuple[str, ...] = ()
YEARS = (1850, 2199)  # readers hold dates up to the year 9999


def dim_stores(stores: DataFrame) -> DataFrame:
    """The stores under their keys, and the unknown one."""
    named = newest(stores.where(F.col("store_id").isNotNull()), "store_id")
    opened_on = F.when(F.year("opened_on").between(*YEARS), F.col("opened_on"))
    keyed = named.withColumn("store_key", surrogate_key(F.col("store_id"))).withColumn("opened_on", opened_on)
    return with_unknown(keyed.select(*SCHEMA.names), SCHEMA, store_key=UNKNOWN_KEY, name=UNKNOWN).select(*SCHEMA.names)


TABLE = Table(
    name="gold.dim_stores",
    grain=("store_key",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("store_id",),
    reads=(scoped("silver.latest_stores", "store_id"),),
    build=dim_stores,
)
