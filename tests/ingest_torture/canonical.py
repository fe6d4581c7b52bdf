"""Values of PostgreSQL and of bronze in one exact form, so that equal means equal. Pure."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

_DAYS = "case when isfinite({0}) then ({0} - date '1970-01-01')::text else {0}::text end"
_MICROSECONDS = (
    "case when isfinite({0}) then (extract(epoch from {0}) * 1000000)::numeric(30, 0)::text else {0}::text end"
)
_AS_TEXT = {"date": _DAYS, "timestamp without time zone": _MICROSECONDS, "timestamp with time zone": _MICROSECONDS}


def expression(name: str, declared: str) -> str:
    """SQL that gives a column's value as text: days and microseconds since 1970 for dates and times."""
    return _AS_TEXT.get(
        declared.split("(", maxsplit=1)[0] if declared.startswith("date") else declared, "{0}::text"
    ).format(f'"{name}"')


def value(declared: str, given: Any) -> Any:
    """A value of a column of that type, given as PostgreSQL's text or as bronze holds it."""
    if given is None:
        return None
    if declared in {"smallint", "integer", "bigint"} or (declared.startswith(("date", "timestamp")) and _whole(given)):
        return int(given)
    if declared.startswith("numeric"):
        return given if isinstance(given, str) else format(given, "f")
    if declared == "double precision":
        return repr(float(given))
    if declared == "real":
        return repr(struct.unpack("f", struct.pack("f", float(given)))[0])
    if declared == "boolean":
        return given in (True, "true", "t")
    if declared == "bytea":
        return bytes.fromhex(given.removeprefix("\\x")) if isinstance(given, str) else bytes(given)
    return given


def _whole(given: object) -> bool:
    return isinstance(given, int) or (isinstance(given, str) and given.lstrip("-").isdigit())


def bronze_rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows of bronze as Python values; dates and times as days and microseconds, which Python's own cannot all hold."""
    columns: dict[str, Sequence[Any]] = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_date32(column.type):
            column = column.cast(pa.int32())
        elif pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
        columns[name] = column.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def joined(row: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """The row with values of columns that were renamed under the name they have now."""
    made = dict(row)
    for old, now in renamed.items():
        if made.get(now) is None and made.get(old) is not None:
            made[now] = made[old]
    return made
