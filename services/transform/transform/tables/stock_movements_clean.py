"""Every stock movement once, typed: the journal that the stock of the lake is folded from.

Grain: one movement (event_id).
Reads: bronze stock movements.
Rules: a record is a movement by the rule of `movement.py`, which is the inventory's too. Of several with one event id
the first position counts; a rejected record does not use up its event id. `quantity` is the signed effect on what is on
hand; of a count it is the number counted. A `sequence` beyond 64 bits is left empty. A sku that no product has is kept:
the shelf holds it all the same.
Size: records pass through Arrow into Python in batches, so their number does not matter.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType
from shopsphere_kit.events import StockMovement

from transform import bronze
from transform.contract import clean, once
from transform.declared import made_from
from transform.movement import Fault, read
from transform.records import deliveries
from transform.spec import LONG, STRING, TIMESTAMP, Judged, Table, optional, required

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
    ]
)
PERSONAL: tuple[str, ...] = ()
_FAILED = StructType([optional(name, STRING) for name in ("check", "column", "reason")])
_JUDGED = StructType(
    [
        *(optional(field.name, field.dataType) for field in SCHEMA.fields),
        optional("_failed", _FAILED),
        optional("_row", STRING),
        optional("_position", STRING),
        optional("_seen_at", TIMESTAMP),
    ]
)
_ARROW = to_arrow_schema(_JUDGED)
_Values = tuple[object, ...]
_NOTHING: _Values = (None,) * len(SCHEMA)


def stock_movements(records: DataFrame) -> DataFrame:
    """Each delivery of a movement, with a verdict."""
    judged = records.select("value", "_position", "_ingested_at").mapInArrow(_judge, _JUDGED)
    return once(judged, "event_id")


@made_from(
    **dict.fromkeys((*SCHEMA.names, "_failed", "_row"), ("value",)),
    _position=("_position",),
    _seen_at=("_ingested_at",),
    rows=(),
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
    )


def stock_movements_clean(movements: DataFrame) -> DataFrame:
    """The movements that pass every check."""
    return clean(movements).select(*SCHEMA.names)


JUDGED = Judged(
    name="judged.stock_movements",
    table="silver.stock_movements_clean",
    reads=(bronze.STOCK_MOVEMENTS,),
    build=stock_movements,
    count_input=deliveries,
)
TABLE = Table(
    name="silver.stock_movements_clean",
    grain=("event_id",),
    schema=SCHEMA,
    personal=PERSONAL,
    reads=("judged.stock_movements",),
    build=stock_movements_clean,
)
