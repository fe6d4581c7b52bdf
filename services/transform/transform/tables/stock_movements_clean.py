"""Every stock movement once, typed: the journal that the stock of the lake is folded from.

Grain: one movement (event_id).
Reads: bronze stock movements.
Rules: a record is a movement by the rule of `movement.py`, which is the inventory's too. Of several with one event id
the first position counts; a rejected record does not use up its event id. `quantity` is the signed effect on what is in
`bucket` (on hand, when the record names none); of a count it is the number counted there. A `sequence` beyond 64 bits
is left empty. A sku that no product has is kept: the shelf holds it all the same.
Size: records pass through Arrow into Python in batches, so their number does not matter.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType
from shopsphere_kit.events import StockMovement

from transform import bronze
from transform.contract import clean, delivery_key
from transform.declared import ROWS, made_from
from transform.deliveries import judged_deliveries, judged_schema, kept_deliveries
from transform.movement import Fault, read
from transform.spec import LONG, STRING, TIMESTAMP, Table, optional, required, scoped

SCHEMA = StructType(
    [
        required("event_id", STRING),
        required("type", STRING),
        required("occurred_at", TIMESTAMP),
        optional("source", STRING),
        optional("sequence", LONG),
        required("sku", STRING),
        required("location", STRING),
        required("quantity", LONG),
        optional("order_id", STRING),
        required("bucket", STRING),
    ]
)
PERSONAL: tuple[str, ...] = ()
_JUDGED = StructType([field for field in judged_schema(SCHEMA.fields).fields if field.name != "_key"])
_ARROW = to_arrow_schema(_JUDGED)
_Values = tuple[object, ...]
_NOTHING: _Values = (None,) * len(SCHEMA)


def stock_movements(records: DataFrame) -> DataFrame:
    """Each delivery of a movement, with a verdict."""
    judged = records.select("value", "_position", "_ingested_at").mapInArrow(_judge, _JUDGED)
    return judged.withColumn("_key", F.expr(delivery_key("event_id")))


@made_from(
    ROWS,
    **dict.fromkeys((*SCHEMA.names, "_failed", "_row"), ("value",)),
    _position=("_position",),
    _seen_at=("_ingested_at",),
)
def _judge(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [_judged(value) for value in batch.column(0).to_pylist()]
        columns = zip(*rows, strict=True) if rows else ((),) * (len(_NOTHING) + 2)
        kinds = _ARROW.types
        built = [pa.array(values, kind) for values, kind in zip(columns, kinds[:-2], strict=True)]
        stamps = [column.cast(kind) for column, kind in zip(batch.columns[1:], kinds[-2:], strict=True)]
        yield pa.RecordBatch.from_arrays([*built, *stamps], schema=_ARROW)


def _judged(value: bytes | None) -> _Values:
    found = read(value)
    if isinstance(found, Fault):
        failed = {"check": found.check, "column": found.column, "reason": found.reason}
        return *_NOTHING, failed, (value or b"").decode(errors="replace")
    return *_typed(found), None, None


def _typed(movement: StockMovement) -> _Values:
    sequence = movement.sequence
    return (
        movement.event_id,
        movement.type,
        movement.occurred_at,
        movement.source,
        sequence if sequence is not None and -(2**63) <= sequence < 2**63 else None,
        movement.sku,
        movement.location,
        movement.quantity,
        movement.order_id,
        movement.bucket or "on_hand",
    )


def stock_movements_clean(movements: DataFrame) -> DataFrame:
    """The movements that pass every check."""
    return clean(movements).select(*SCHEMA.names)


FOLD = kept_deliveries("silver.judged_stock_movements", bronze.STOCK_MOVEMENTS, SCHEMA.fields, stock_movements)
JUDGED = judged_deliveries("judged.stock_movements", "silver.stock_movements_clean", FOLD)
TABLE = Table(
    name="silver.stock_movements_clean",
    grain=("event_id",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("event_id",),
    reads=(scoped(JUDGED.name, "_key"),),
    build=stock_movements_clean,
    partitioned_by=("months(occurred_at)",),
    sorted_by=("sku", "location", "occurred_at"),
)
