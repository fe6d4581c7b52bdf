"""Rows of PostgreSQL, as text, to Arrow: column by column, and a row that does not fit goes to quarantine alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from ingest.batch import Chunk, Rejected
from ingest.pgoutput import UNCHANGED, Column, Row, Value
from ingest.position import snapshot_identity
from ingest.postgres_types import Array, arrow_type, cast_text
from ingest.tables import CHANGE_FIELDS, TIMESTAMP


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one row: `op` as in bronze (r c u d t), its position, its transaction's time, its values."""

    op: str
    position: str
    committed_at: datetime
    values: Row


def complete(new: Row, old: Row | None) -> Row:
    """The new row with values that the update did not touch taken from the old row, where that has them."""
    if UNCHANGED not in new or old is None:
        return new
    return tuple(before if value is UNCHANGED else value for value, before in zip(new, old, strict=True))


def changes_chunk(columns: Sequence[Column], changes: Sequence[Change], source: str) -> Chunk:
    """The changes as a chunk; those with a value that the column's type cannot hold are rejected."""
    whole = [change for change in changes if UNCHANGED not in change.values]
    rejected = [_unsent(change, columns, source) for change in changes if UNCHANGED in change.values]
    texts = [_text_array([change.values[place] for change in whole]) for place in range(len(columns))]
    control: list[Array] = [
        pa.array([change.op for change in whole], pa.string()),
        pa.array([change.position for change in whole], pa.string()),
        pa.array([change.committed_at for change in whole], TIMESTAMP),
    ]
    return text_chunk(columns, texts, control, source=source, rejected=rejected)


def text_chunk(
    columns: Sequence[Column],
    texts: Sequence[Array],
    control: Sequence[Array],
    *,
    source: str,
    rejected: Sequence[Rejected] = (),
) -> Chunk:
    """Columns of text with their control columns as a chunk of the columns' exact types."""
    bad: dict[int, str] = {}
    typed = [_cast(texts[place], column, bad) for place, column in enumerate(columns)]
    pairs = zip(columns, typed, strict=True)
    fields: list[pa.Field[Any]] = [pa.field(column.name, array.type) for column, array in pairs]
    rows = pa.Table.from_arrays([*typed, *control], schema=pa.schema([*fields, *CHANGE_FIELDS]))
    if not bad:
        return Chunk(rows, rejected)
    unfit = [_unfit(columns, texts, control, place, bad[place], source) for place in sorted(bad)]
    kept = pa.array([place not in bad for place in range(rows.num_rows)])
    return Chunk(rows.filter(kept), [*rejected, *unfit])


def _text_array(values: Sequence[Value]) -> Array:
    try:
        return pa.array(values, pa.string())
    except pa.ArrowInvalid:
        # The server checks its encoding, so this is a database in SQL_ASCII; the bytes are kept readable.
        return pa.array(
            [v.decode(errors="backslashreplace") if isinstance(v, bytes) else v for v in values], pa.string()
        )


def _cast(texts: Array, column: Column, bad: dict[int, str]) -> Array:
    target = arrow_type(column)
    try:
        return cast_text(texts, target)
    except pa.ArrowInvalid:
        pass
    parts: list[Array] = []
    for place in range(len(texts)):
        try:
            parts.append(cast_text(texts.slice(place, 1), target))
        except pa.ArrowInvalid:
            bad.setdefault(place, f"column {column.name}: the value does not fit {target}")
            parts.append(pa.array([None], target))
    return pa.concat_arrays(parts)


def _unfit(
    columns: Sequence[Column],
    texts: Sequence[Array],
    control: Sequence[Array],
    place: int,
    detail: str,
    source: str,
) -> Rejected:
    row = {column.name: texts[number][place].as_py() for number, column in enumerate(columns)}
    change = {field.name: str(control[number][place].as_py()) for number, field in enumerate(CHANGE_FIELDS)}
    position = snapshot_identity(_json(row)) if change["_op"] == "r" else change["_position"]
    return Rejected(source, position, "value_out_of_range", detail, _json(row | change))


def _unsent(change: Change, columns: Sequence[Column], source: str) -> Rejected:
    unsent = [column.name for column, value in zip(columns, change.values, strict=True) if value is UNCHANGED]
    detail = f"columns {', '.join(unsent)} were not sent; set the table's REPLICA IDENTITY to FULL"
    row: dict[str, str | None] = {
        column.name: value.decode(errors="backslashreplace") if isinstance(value, bytes) else None
        for column, value in zip(columns, change.values, strict=True)
    }
    row |= {"_op": change.op, "_position": change.position, "_committed_at": str(change.committed_at)}
    return Rejected(source, change.position, "unchanged_value_not_sent", detail, _json(row))


def _json(row: dict[str, str | None]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()
