"""The rows of Online Retail's files, by the order they belong to: what is kept of them.

Grain: one row of one file (order_key, `_position`).
Reads: the bronze table of the files, when there is one.
Rules: every row is kept as it is, repetitions included, so that each can be accounted for.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.changes import first_of
from transform.order_sources.online_retail import order_key
from transform.spec import STRING, Fold, required

_ROW = [field for field in bronze.SCHEMAS[bronze.ONLINE_RETAIL].fields if field.name != "_position"]
SCHEMA = StructType([required("order_key", STRING), *_ROW, required("_position", STRING)])
PERSONAL: tuple[str, ...] = ()


def online_retail_rows(rows: DataFrame) -> DataFrame:
    """The rows with the order that each belongs to."""
    return rows.where(F.col("_position").isNotNull()).withColumn("order_key", order_key()).select(*SCHEMA.names)


def _once(rows: DataFrame) -> DataFrame:
    return first_of(rows, ("order_key", "_position"), "_ingested_at").select(*SCHEMA.names)


FOLD = Fold(
    name="silver.online_retail_rows",
    grain=("order_key", "_position"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("order_key",),
    reads=(bronze.ONLINE_RETAIL,),
    arrive=online_retail_rows,
    fold=_once,
    sorted_by=("order_key",),
)
