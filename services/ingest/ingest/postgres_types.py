"""PostgreSQL types as Arrow types, exact; a type not listed here keeps PostgreSQL's text form.

OIDs are fixed in PostgreSQL's catalog (src/include/catalog/pg_type.dat).
"""

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.pgoutput import Column
from ingest.postgres_times import days, microseconds

if TYPE_CHECKING:
    Array = pa.Array[Any]
else:
    Array = pa.Array  # generic for the type checker alone

BOOL, BYTEA, NUMERIC = 16, 17, 1700
_SIMPLE: dict[int, pa.DataType] = {
    BOOL: pa.bool_(),
    BYTEA: pa.binary(),
    21: pa.int32(),
    23: pa.int32(),
    20: pa.int64(),
    26: pa.int64(),
    700: pa.float32(),
    701: pa.float64(),
    1082: pa.date32(),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", tz="UTC"),
}
# Iceberg's decimal has at most this precision; a wider or unbounded numeric stays text, which loses nothing.
_PRECISION_MAX = 38


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type that holds every ordinary value of the column without loss."""
    if column.type_oid == NUMERIC:
        return _decimal(column.type_modifier)
    return _SIMPLE.get(column.type_oid, pa.string())


def _decimal(modifier: int) -> pa.DataType:
    if modifier < 0:
        return pa.string()
    # numeric(p,s) packs p in the upper half and s as an 11-bit signed number in the lower, plus four.
    precision, scale = (modifier - 4) >> 16 & 0xFFFF, ((modifier - 4 & 0x7FF) ^ 0x400) - 0x400
    if precision > _PRECISION_MAX or not 0 <= scale <= precision:
        return pa.string()
    return pa.decimal128(precision, scale)


def cast_text(texts: Array, target: pa.DataType) -> Array:
    """PostgreSQL's text form (ISO dates, UTC, hex bytea) as the target type; raises pa.ArrowInvalid."""
    if pa.types.is_string(target):
        return texts
    if pa.types.is_boolean(target):
        return pc.equal(texts, pa.scalar("t"))
    if pa.types.is_binary(target):
        return pa.array([None if text is None else _bytes(text) for text in texts.to_pylist()], target)
    return texts.cast(target)


def cast_value(text: str | None, target: pa.DataType) -> Any:
    """One value as what makes an array of the target; raises ValueError when the target cannot hold it."""
    if text is None:
        return None
    if pa.types.is_date(target):
        return days(text)
    if pa.types.is_timestamp(target):
        return microseconds(text)
    return cast_text(pa.array([text]), target)[0].as_py()


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("\\x"))
    except ValueError as error:
        raise pa.ArrowInvalid("not hexadecimal; set bytea_output=hex") from error
