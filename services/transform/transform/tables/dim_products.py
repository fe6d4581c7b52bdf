"""The products, as they were last described.

Grain: one sku (product_key); plus the unknown member, key 0.
Reads: bronze products.
Rules: the last change of a sku counts; a product that was deleted stays, since old facts point at it.
`product_key` is a hash of the sku. A product without sku is left out: no fact can name it.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.changes import newest
from transform.columns import surrogate_key
from transform.dimension import UNKNOWN, UNKNOWN_KEY, with_unknown
from transform.spec import LONG, STRING, Table, optional, required, scoped

SCHEMA = StructType(
    [
        required("product_key", LONG),
        required("sku", STRING),
        optional("product_id", LONG),
        optional("department", STRING),
        optional("brand", STRING),
        optional("category", STRING),
        optional("product_type", STRING),
        optional("package_size", STRING),
        optional("manufacturer_id", LONG),
    ]
)
PERSONAL: tuple[str, ...] = ()


def dim_products(products: DataFrame) -> DataFrame:
    """The products under their keys, and the unknown one."""
    named = newest(products.where(F.col("sku").isNotNull()), "sku")
    keyed = named.withColumn("product_key", surrogate_key(F.col("sku"))).select(*SCHEMA.names)
    return with_unknown(keyed, SCHEMA, product_key=UNKNOWN_KEY, sku=UNKNOWN).select(*SCHEMA.names)


TABLE = Table(
    name="gold.dim_products",
    grain=("product_key",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("sku",),
    reads=(scoped("silver.latest_products", "sku"),),
    build=dim_products,
)
