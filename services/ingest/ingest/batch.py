"""What travels from a source to a sink: rows of one table, and the position after them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from ingest.position import Position


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
    """The next rows of one bronze table, committed together with `position`; `chunks` can be read once."""

    table: str
    source: str
    chunks: Iterable[Chunk]
    position: Position


def reject_rows(rows: pa.Table, *, source: str, reason: str, detail: str) -> Iterator[Rejected]:
    """Rows that a table cannot take, as quarantine records with the row as JSON."""
    for row in rows.to_pylist():
        value = json.dumps(row, default=str, ensure_ascii=False).encode()
        yield Rejected(source, row["_position"], reason, detail, value)
