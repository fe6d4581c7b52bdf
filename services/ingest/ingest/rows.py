"""Rows of PostgreSQL, as text, to Arrow: column by column, one that does not fit goes to quarantine alone. Pure."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ingest.batch import Chunk, Rejected
from ingest.pgoutput import Column
from ingest.position import snapshot_identity
from ingest.postgres_types import Array, arrow_type, cast_text, cast_value
from ingest.tables import ROW_FIELDS


def text_chunk(columns: Sequence[Column], texts: Sequence[Array], control: Sequence[Array], *, source: str) -> Chunk:
    """Columns of text (or its bytes) with their control columns as a chunk of the columns' exact types."""
    bad: dict[int, str] = {}
    readable = [_readable(array) for array in texts]
    typed = [_cast(readable[place], column, bad) for place, column in enumerate(columns)]
    rows = table_of(columns, typed, control)
    if not bad:
        return Chunk(rows)
    unfit = [_unfit(columns, readable, control, place, bad[place], source) for place in sorted(bad)]
    kept = pa.array([place not in bad for place in range(rows.num_rows)])
    return Chunk(rows.filter(kept), unfit)


def table_of(columns: Sequence[Column], typed: Sequence[Array], control: Sequence[Array]) -> pa.Table:
    """Columns of their exact types and the control columns as one table."""
    fields: list[pa.Field[Any]] = [
        pa.field(column.name, array.type) for column, array in zip(columns, typed, strict=True)
    ]
    return pa.Table.from_arrays([*typed, *control], schema=pa.schema([*fields, *ROW_FIELDS]))


def _readable(values: Array) -> Array:
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        # The server checks its encoding, so this is a database in SQL_ASCII; the bytes are kept readable.
        texts = [value if value is None else value.decode(errors="backslashreplace") for value in values.to_pylist()]
        return pa.array(texts, pa.string())


def _cast(texts: Array, column: Column, bad: dict[int, str]) -> Array:
    target = arrow_type(column)
    try:
        return cast_text(texts, target)
    except pa.ArrowInvalid:
        pass
    values: list[Any] = []
    for place, text in enumerate(texts.to_pylist()):
        try:
            values.append(cast_value(text, target))
        except ValueError:  # pa.ArrowInvalid is one; the value itself is personal, so the detail does not have it
            bad.setdefault(place, f"column {column.name}: the value does not fit {target}")
            values.append(None)
    return pa.array(values, target)


def _unfit(
    columns: Sequence[Column],
    texts: Sequence[Array],
    control: Sequence[Array],
    place: int,
    detail: str,
    source: str,
) -> Rejected:
    row = {column.name: texts[number][place].as_py() for number, column in enumerate(columns)}
    stamps = {field.name: control[number][place].as_py() for number, field in enumerate(ROW_FIELDS)}
    change = {name: None if value is None else str(value) for name, value in stamps.items()}
    identity = snapshot_identity(_json(row)) if change["_op"] == "r" else str(change["_position"])
    return Rejected(source, identity, "value_out_of_range", detail, _json(row | change))


def _json(row: dict[str, str | None]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()
