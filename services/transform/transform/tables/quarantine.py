"""Every row of bronze that a silver table rejected, and why.

Grain: one rejected row: of a table, the key it belongs to, its position, its check, and which of those it is.
Reads: the judged rows of users, order lines, stock movements, events and fraud labels; changes without a key.
Rules: a row stands here under the first check that it fails, so that clean rows + quarantined rows = distinct input.
`row` is the row as JSON; of a document without readable items it is the document. `seen_at` is when ingest got it.
"""

from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform.contract import rejected
from transform.spec import INT, STRING, TIMESTAMP, Judged, Table, optional, required, scoped
from transform.tables import (
    events_clean,
    fraud_labels,
    keyless_changes,
    orders_unified,
    stock_movements_clean,
    users_scd,
)

SCHEMA = StructType(
    [
        required("table", STRING),
        required("key", STRING),
        required("check", STRING),
        required("column", STRING),
        required("reason", STRING),
        optional("row", STRING),
        required("position", STRING),
        required("ordinal", INT),
        optional("seen_at", TIMESTAMP),
    ]
)
PERSONAL = ("row",)
JUDGED: tuple[Judged, ...] = (
    users_scd.JUDGED,
    orders_unified.JUDGED,
    stock_movements_clean.JUDGED,
    events_clean.JUDGED,
    fraud_labels.JUDGED,
    keyless_changes.JUDGED,
)


def quarantine(*judged: DataFrame) -> DataFrame:
    """The rejected rows of all judged frames, in the order of `JUDGED`."""
    rows = [rejected(frame, of.table) for of, frame in zip(JUDGED, judged, strict=True)]
    alike = Window.partitionBy("table", "key", "position", "check").orderBy("column", "row")
    return reduce(DataFrame.unionByName, rows).withColumn("ordinal", F.row_number().over(alike)).select(*SCHEMA.names)


TABLE = Table(
    name="silver.quarantine",
    grain=("table", "key", "position", "check", "ordinal"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("table", "key"),
    reads=tuple(scoped(judged.name, f"'{judged.table}'", judged.key) for judged in JUDGED),
    build=quarantine,
    partitioned_by=("table",),
)
