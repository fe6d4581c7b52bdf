"""The unknown member: the row of every dimension that facts without a match point at, so that none is ever dropped."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

UNKNOWN_KEY = 0
UNKNOWN = "unknown"


def with_unknown(members: DataFrame, schema: StructType, **values: object) -> DataFrame:
    """The members and the unknown one, which has the given values and is empty elsewhere."""
    one_row = members.limit(0).agg(F.count(F.lit(1)))
    unknown = one_row.select(*(F.lit(values.get(f.name)).cast(f.dataType).alias(f.name) for f in schema.fields))
    return members.unionByName(unknown)
