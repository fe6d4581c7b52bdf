"""When each table of the sources was last emptied.

Grain: one bronze table (source_table) that a truncate, or a copy taken anew, has emptied.
Reads: the change logs of bronze.
Rules: the last truncate counts; what its table said at an earlier position is void, whenever it arrives.
"""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.spec import STRING, Fold, required

SCHEMA = StructType([required("source_table", STRING), required("position", STRING)])
PERSONAL: tuple[str, ...] = ()


def truncates(*logs: DataFrame) -> DataFrame:
    """The truncates of the logs, in the order of `bronze.LOGS`."""
    found = [
        log.where(F.col("_op") == "t").select(F.lit(name).alias("source_table"), F.col("_position").alias("position"))
        for name, log in zip(bronze.LOGS, logs, strict=True)
    ]
    return reduce(DataFrame.unionByName, found)


def _last(rows: DataFrame) -> DataFrame:
    return rows.groupBy("source_table").agg(F.max("position").alias("position"))


FOLD = Fold(
    name="silver.truncates",
    grain=("source_table",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("source_table",),
    reads=bronze.LOGS,
    arrive=truncates,
    fold=_last,
)
