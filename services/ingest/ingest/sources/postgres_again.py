"""Rows of PostgreSQL in quarantine, built anew with the types that their columns have now."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from ingest.batch import Rejected
from ingest.pgoutput import Column
from ingest.postgres_types import BOOL, BYTEA, NUMERIC, Array, arrow_type
from ingest.rereading import Reread, identity
from ingest.rows import text_chunk
from ingest.sources.postgres_catalog import PublishedTable
from ingest.tables import CONTROL_COLUMNS, INGESTED_AT, TIMESTAMP, postgres_table

Row = Mapping[str, object]

# Such a record has no value where the server sent none; reading it again would take that for a null.
_INCOMPLETE = frozenset({"unchanged_value_not_sent"})
_NEEDED = frozenset({"_op", "_position", "_committed_at"})
_NUMERIC_TAIL = 4  # what PostgreSQL adds to a numeric's packed precision and scale (VARHDRSZ)
_TEXT = 25
# Types of which one stands for the Arrow type that it becomes.
_TYPES = (BOOL, BYTEA, 23, 20, 700, 701, 1082, 1114, 1184, _TEXT)


class PostgresAgain:
    """Reads rows again; `published` asks the source for its tables, `columns` the bronze table for what it has."""

    def __init__(
        self, published: Callable[[], Sequence[PublishedTable]], columns: Callable[[str], pa.Schema | None]
    ) -> None:
        self._published, self._columns = published, columns
        self._tables: dict[str, PublishedTable] | None = None

    def __call__(self, source: str, records: Sequence[Rejected]) -> Reread:
        """See Reader."""
        namespace, _, name = source.partition(":")[2].partition(".")
        bronze = postgres_table(namespace, name)
        types = self._types(source, bronze)
        places: dict[tuple[str, str], str] = {}
        segments: dict[tuple[Column, ...], list[Row]] = {}
        for record in records:
            row = _row(record)
            if row is None:
                continue
            places[identity(record)] = str(row["_position"])
            names = [column for column in row if column not in CONTROL_COLUMNS and column != INGESTED_AT.name]
            if types.keys() >= set(names):
                segments.setdefault(tuple(types[column] for column in names), []).append(row)
        return Reread(bronze, [_typed(columns, rows, source) for columns, rows in segments.items()], places)

    def _types(self, source: str, bronze: str) -> dict[str, Column]:
        """The type a column has in the source now; one that is gone there keeps the type it has in bronze."""
        if self._tables is None:
            self._tables = {table.source: table for table in self._published()}
        known = {column.name: column for column in map(_column, self._columns(bronze) or ())}
        table = self._tables.get(source)
        return known | ({column.name: column for column in table.columns} if table else {})


def _row(record: Rejected) -> Row | None:
    if record.value is None or record.reason in _INCOMPLETE:
        return None
    row = json.loads(record.value)
    return row if isinstance(row, dict) and row.keys() >= _NEEDED else None


def _typed(columns: Sequence[Column], rows: Sequence[Row], source: str) -> pa.Table:
    moments = [datetime.fromisoformat(str(row["_committed_at"])) for row in rows]
    control: list[Array] = [
        pa.array([row["_op"] for row in rows], pa.string()),
        pa.array([row["_position"] for row in rows], pa.string()),
        pa.array(moments, TIMESTAMP),
        pa.array([row.get("_unchanged") for row in rows], pa.string()),
    ]
    texts = [pa.array([_text(row[column.name]) for row in rows], pa.string()) for column in columns]
    return text_chunk(columns, texts, control, source=source).rows


def _text(value: object) -> str | None:
    """PostgreSQL's text form of what a record of either kind holds: that form already, or a JSON value."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def _column(field: "pa.Field[pa.DataType]") -> Column:
    if pa.types.is_decimal(field.type):
        modifier = (field.type.precision << 16 | field.type.scale) + _NUMERIC_TAIL
        return Column(field.name, NUMERIC, modifier, in_replica_identity=False)
    candidates = (Column(field.name, oid, -1, in_replica_identity=False) for oid in _TYPES)
    plain = Column(field.name, _TEXT, -1, in_replica_identity=False)
    return next((column for column in candidates if arrow_type(column) == field.type), plain)
