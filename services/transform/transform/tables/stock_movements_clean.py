"""Every stock movement once, typed: the journal that the stock of the lake is folded from.

Grain: one movement (event_id).
Reads: bronze stock movements.
Rules: a movement delivered twice counts once. `quantity` is the signed effect on what is on hand; of a count it is the
number counted. Rejected: a movement of an unknown type, without sku, location, time or whole quantity, or whose sign
contradicts its type. A sku that no product has is kept: the shelf holds it all the same.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.contract import RowCheck, clean, judge, present
from transform.records import distinct_events, field, opened, well_typed
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
ROW_CHECKS = (
    *(present(name) for name in ("event_id", "occurred_at", "sku", "location", "quantity")),
    RowCheck(
        "known_type",
        "type",
        "type is none of the known ones",
        "type in ('sale', 'return', 'receipt', 'transfer', 'adjustment', 'count')",
    ),
    RowCheck(
        "sign",
        "quantity",
        "the sign of quantity contradicts the type",
        "case type when 'sale' then quantity <= 0 when 'return' then quantity >= 0 when 'receipt' then quantity >= 0 "
        "when 'count' then quantity >= 0 else true end",
    ),
    well_typed("sequence"),
)


def stock_movements(records: DataFrame) -> DataFrame:
    """Each movement once, with a verdict."""
    typed = opened(records, *SCHEMA.names).select(
        "*", *(field(f.name, f.dataType.simpleString()) for f in SCHEMA.fields)
    )
    return judge(typed, ROW_CHECKS, SCHEMA.names, F.col("_value"))


def stock_movements_clean(movements: DataFrame) -> DataFrame:
    """The movements that pass every check."""
    return clean(movements).select(*SCHEMA.names)


JUDGED = Judged(
    name="judged.stock_movements",
    table="silver.stock_movements_clean",
    reads=(bronze.STOCK_MOVEMENTS,),
    build=stock_movements,
    count_input=distinct_events,
)
TABLE = Table(
    name="silver.stock_movements_clean",
    grain=("event_id",),
    schema=SCHEMA,
    personal=PERSONAL,
    reads=("judged.stock_movements",),
    build=stock_movements_clean,
)
