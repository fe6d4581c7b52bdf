"""What travels from a source to a sink: rows of one table, and the position after them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ingest.position import Position, snapshot_identity
from ingest.tables import CONTROL_COLUMNS

# Everything that waits in memory for one commit, several times over while it is decoded and written.
BATCH_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Pace:
    """When a batch is closed: after about so many rows or bytes, or so many seconds after its first row."""

    rows: int
    seconds: float
    size: int = BATCH_BYTES


@dataclass(frozen=True)
class Rejected:
    """A record that cannot become a bronze row, kept whole; `source` and `position` together are unique."""

    source: str
    position: str
    reason: str
    detail: str
    value: bytes | None
    key: bytes | None = None
    headers: str = "[]"


@dataclass(frozen=True)
class Chunk:
    """A part of a batch that fits in memory; an empty chunk still tells the table's columns."""

    rows: pa.Table
    rejected: Sequence[Rejected] = field(default=())


@dataclass(frozen=True)
class Batch:
    """The next rows of one bronze table, committed together with `position`; `chunks` can be read once.

    Without a position it is a part of what may only become visible as a whole: it is kept until a batch that has one.
    """

    table: str
    source: str
    chunks: Iterable[Chunk]
    position: Position | None


def reject_rows(rows: pa.Table, *, source: str, reason: str, detail: str) -> Iterator[Rejected]:
    """Rows that a table cannot take, as quarantine records with the row as JSON."""
    for row in _plain(rows).to_pylist():
        position = row["_position"]
        if row.get("_op") == "r":
            position = snapshot_identity(_json({name: row[name] for name in row if name not in CONTROL_COLUMNS}))
        yield Rejected(source, position, reason, detail, _json(row))


def _plain(rows: pa.Table) -> pa.Table:
    """The rows with times beyond Python's years as numbers, as they are stored: days or microseconds since 1970."""
    for place, column in enumerate(rows.schema):
        if pa.types.is_temporal(column.type):
            try:
                rows.column(place).to_pylist()
            except (ValueError, OverflowError):
                number = pa.int32() if pa.types.is_date32(column.type) else pa.int64()
                rows = rows.set_column(place, column.name, rows.column(place).cast(number))
    return rows


def _json(row: dict[str, object]) -> bytes:
    return json.dumps(row, default=_text, ensure_ascii=False).encode()


def _text(value: object) -> str:
    # Bytes in PostgreSQL's text form, so that they can be read again.
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
