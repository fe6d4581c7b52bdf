"""What is kept of a topic: the first delivery of each event, clean or rejected, with its verdict."""

from collections.abc import Callable, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from transform.contract import first_deliveries
from transform.records import deliveries
from transform.spec import BOOLEAN, STRING, TIMESTAMP, Fold, Judged, optional, required, scoped

FAILED = StructType([optional(name, STRING) for name in ("check", "column", "reason")])
_VERDICT = (
    optional("_failed", FAILED),
    optional("_row", STRING),
    required("_key", STRING),
    required("_position", STRING),
    optional("_seen_at", TIMESTAMP),
)
_IS_CLEAN = required("_is_clean", BOOLEAN)


def judged_schema(columns: Sequence[StructField]) -> StructType:
    """The columns of a table, none of them required, and the verdict."""
    return StructType([*(optional(field.name, field.dataType) for field in columns), *_VERDICT])


def kept_deliveries(
    name: str, source: str, columns: Sequence[StructField], judge: Callable[[DataFrame], DataFrame]
) -> Fold:
    """The fold of a topic: `judge` gives each record its verdict."""
    schema = StructType([*judged_schema(columns).fields, _IS_CLEAN])
    return Fold(
        name=name,
        grain=("_key", "_is_clean"),
        schema=schema,
        personal=("_row",),
        scope=("_key",),
        reads=(source,),
        arrive=lambda records: judge(records).withColumn("_is_clean", F.col("_failed").isNull()).select(*schema.names),
        fold=lambda rows: first_deliveries(rows).select(*schema.names),
        count_arrivals=deliveries,
    )


def judged_deliveries(name: str, table: str, fold: Fold) -> Judged:
    """The rows of a fold that are judged when they arrive."""
    return Judged(
        name=name,
        table=table,
        scope=("_key",),
        key="_key",
        reads=(scoped(fold.name, "_key", pruned=("_key", "_key")),),
        build=lambda rows: rows,
        count_input=deliveries,
        fold=fold.name,
    )
