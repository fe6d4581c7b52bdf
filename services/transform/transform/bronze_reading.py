"""Bronze as transform knows it: the columns of `bronze.py`, and of a topic what ingest did not reject."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.erasure.second_net import without_forgotten
from transform.storage import Lake


def bronze_rows(lake: Lake, name: str, after: int | None, until: int | None) -> DataFrame:
    """The rows that were appended after one snapshot (None: all) until another (None: there are none)."""
    schema = bronze.SCHEMAS[name]
    if until is None:
        return lake.spark.createDataFrame([], schema)
    stored = without_forgotten(name, lake.changes_between(name, after, until), lake.suppressed())
    rows = _with_columns(stored, schema)
    return rows.where(F.col(bronze.REJECTED).isNull()) if bronze.REJECTED in schema.names else rows


def _with_columns(rows: DataFrame, schema: StructType) -> DataFrame:
    """The columns of the schema; one that the source does not have yet is empty, one we do not know is left out."""
    return rows.select(
        *(
            (F.col(f"`{f.name}`") if f.name in rows.columns else F.lit(None)).cast(f.dataType).alias(f.name)
            for f in schema.fields
        )
    )
