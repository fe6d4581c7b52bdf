"""Changes of orders, items, products, stores and documents that do not say which row they change.

Grain: one such change of one bronze table (source_table, _position).
Reads: the change logs of bronze that `latest.py` keeps by key.
Rules: a change without its whole key is no row of anything, so it cannot be kept by key; it is kept here as it came,
and stands in the quarantine under the key column that it lacks. Users without a key are rejected by `users_scd.py`.
"""

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.changes import first_of
from transform.contract import RowCheck, judge
from transform.records import deliveries
from transform.spec import STRING, TIMESTAMP, Fold, Judged, optional, required, scoped
from transform.tables.latest import KEYS

SCHEMA = StructType(
    [
        required("source_table", STRING),
        required("lacks", STRING),
        optional("_row", STRING),
        required("_position", STRING),
        optional("_seen_at", TIMESTAMP),
    ]
)
PERSONAL = ("_row",)
ROW_CHECKS = tuple(
    RowCheck("present", key, f"{key} is missing: a change without its key is no row of the source", f"lacks <> '{key}'")
    for key in sorted({key for keys in KEYS.values() for key in keys})
)


def keyless_changes(*logs: DataFrame) -> DataFrame:
    """The changes of the logs, in the order of `KEYS`, that lack a column of their key."""
    found = [_keyless(log, name, keys) for log, (name, keys) in zip(logs, KEYS.items(), strict=True)]
    return reduce(DataFrame.unionByName, found)


def _keyless(log: DataFrame, name: str, keys: tuple[str, ...]) -> DataFrame:
    lacks = F.coalesce(*(F.when(F.col(key).isNull(), F.lit(key)) for key in keys))
    said = [column for column in log.columns if not column.startswith("_")]
    return log.where((F.col("_op") != "t") & lacks.isNotNull()).select(
        F.lit(name).alias("source_table"),
        lacks.alias("lacks"),
        F.to_json(F.struct(*said)).alias("_row"),
        "_position",
        F.col("_ingested_at").alias("_seen_at"),
    )


def rejected_changes(changes: DataFrame) -> DataFrame:
    """The changes with a verdict each: none of them is clean."""
    return judge(changes, ROW_CHECKS, ["source_table"], F.col("_row"), "source_table")


GRAIN = ("source_table", "_position")
FOLD = Fold(
    name="silver.keyless_changes",
    grain=GRAIN,
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("source_table",),
    reads=tuple(KEYS),
    arrive=keyless_changes,
    fold=lambda changes: first_of(changes, GRAIN, "_seen_at", "_row").select(*SCHEMA.names),
)
JUDGED = Judged(
    name="judged.keyless_changes",
    table=FOLD.name,
    scope=("source_table",),
    key="source_table",
    reads=(scoped(FOLD.name, "source_table"),),
    build=rejected_changes,
    count_input=deliveries,
    row_per_input=False,
)
