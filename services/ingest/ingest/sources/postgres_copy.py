"""The initial copy of one table: rows in the order of the primary key as CSV, part by part into exact Arrow columns."""

import io
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import connection
from pyarrow import csv
from shopsphere_kit.errors import FailedPrecondition
from shopsphere_kit.logging import get_logger

from ingest.batch import Batch, Chunk
from ingest.pgoutput import Column
from ingest.position import PostgresPosition, Span, postgres_rows, snapshot_row_lsn
from ingest.postgres_types import Array, arrow_type
from ingest.primary_key import TEXTS, Key, is_ordered
from ingest.quarantine import numbered
from ingest.rows import table_of, text_chunk
from ingest.sources.copy_thread import CopyThread
from ingest.sources.postgres_catalog import PublishedTable
from ingest.sources.postgres_snapshot import Snapshot
from ingest.tables import TIMESTAMP

# Bytes of CSV between two commits of a copy, all of which a kill repeats; twice to three times as much is in memory.
PART_BYTES = 48 * 2**20

# A row's number in its position has eight hexadecimal digits.
ROWS_MAX = 2**32

_log = get_logger(__name__)


class TableCopy:
    """Copies a table under one snapshot, from its beginning or from where an earlier copy was killed.

    Each part is committed with the last key it has. A table whose key cannot be ordered here, or that has none, is
    committed as one.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        session: connection,
        table: PublishedTable,
        position: PostgresPosition | None,
        where: str | None = None,
    ) -> None:
        """Take a session of the snapshot, and how far an earlier copy came or an SQL condition."""
        self.table = table
        self.rows = 0
        self.is_read = False
        self._snapshot = snapshot
        self._ordered = is_ordered(table.key_columns)
        self._earlier = position.spans if position else ()
        self._lsn = position.lsn if position else snapshot.consistent_point
        self._rejected = Counter[tuple[str, str]]()
        self._began = time.monotonic()
        self._session = session
        last = self._earlier[-1].last if self._earlier else None
        self._thread = CopyThread(self._session, copy_command(table, after=last, where=where), PART_BYTES)

    def part(self, *, seconds: float) -> Batch | None:
        """The next part, or None when it did not come in time; after the last one `is_read` is true."""
        part = self._thread.part(seconds=seconds)
        if part is None:
            return None
        self.is_read = part.is_last
        position = self._position(None if part.is_last else self._last_key(part.last_row))
        return Batch(self.table.bronze, self.table.source, self._chunks(part.blocks, is_last=part.is_last), position)

    def close(self) -> None:
        """Give back the session."""
        self._thread.close()
        self._session.close()

    def _position(self, last: Key | None) -> PostgresPosition | None:
        if last is not None and not self._ordered:
            return None  # seen only with the last part
        spans = (*self._earlier, Span(self._snapshot.consistent_point, last))
        # A table that was copied at one moment needs no spans: its position says it all.
        return PostgresPosition(self._lsn, spans if last is not None or self._earlier else ())

    def _last_key(self, row: bytes) -> Key:
        if not self._ordered:
            return ()
        texts = _parsed(row, self.table.columns, typed=False)
        return tuple(str(texts[column.name][0].as_py()) for column in self.table.key_columns)

    def _chunks(self, blocks: list[bytes], *, is_last: bool) -> Iterator[Chunk]:
        """One chunk of all blocks, so one file; an empty table's columns are known too."""
        parsed: list[Chunk] = []
        while blocks:  # each block's bytes are given back once it is parsed
            parsed.append(self._chunk(blocks.pop(0)))
        if parsed:
            unfit = [record for chunk in parsed for record in chunk.rejected]
            rejected = list(numbered(unfit, self._rejected))
            yield Chunk(pa.concat_tables([chunk.rows for chunk in parsed]), rejected)
        elif self.rows == 0:
            yield self._stamped(_no_rows(self.table.columns))
        self._tell(is_last=is_last)

    def _chunk(self, block: bytes) -> Chunk:
        try:
            rows = _parsed(block, self.table.columns, typed=True)
        except pa.ArrowInvalid:
            return self._stamped(_readable(block, self.table.columns))
        control = self._control(rows.num_rows)
        whole = [column.combine_chunks() for column in rows.columns]
        return Chunk(table_of(self.table.columns, whole, control))

    def _stamped(self, texts: pa.Table) -> Chunk:
        columns = [column.combine_chunks() for column in texts.columns]
        return text_chunk(self.table.columns, columns, self._control(texts.num_rows), source=self.table.source)

    def _control(self, count: int) -> list[Array]:
        lsns = np.full(count, snapshot_row_lsn(self._snapshot.consistent_point))
        positions = postgres_rows(lsns, np.arange(self.rows, self.rows + count))
        self.rows += count
        if self.rows > ROWS_MAX:
            raise FailedPrecondition(
                f"{self.table.source} has more than {ROWS_MAX} rows for one copy; copy ranges of it with `ingest copy`"
            )
        return [
            pa.repeat(pa.scalar("r"), count),
            positions,
            pa.repeat(pa.scalar(self._snapshot.taken_at, TIMESTAMP), count),
            pa.nulls(count, pa.string()),
        ]

    def _tell(self, *, is_last: bool) -> None:
        rate = self.rows / max(time.monotonic() - self._began, 1e-3)
        left = max(0.0, self.table.estimated_rows - self.rows) / max(rate, 1e-3)
        _log.info(
            "copied table" if is_last else "copying table",
            table=self.table.source,
            rows=self.rows,
            rows_estimated=self.table.estimated_rows,
            rows_per_second=round(rate),
            seconds_left=0 if is_last else round(left),
        )


def copy_command(table: PublishedTable, *, after: Key | None = None, where: str | None = None) -> sql.Composed:
    """The COPY of a table's published columns: rows after a primary key in its order, or those of an SQL condition."""
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    query = sql.SQL("select {} from {}").format(names, sql.Identifier(table.namespace, table.name))
    if after is not None:
        keys = sql.SQL(", ").join(map(_ordered_name, table.key_columns, table.key_by_bytes))
        last = sql.SQL(", ").join(map(sql.Literal, after))
        query += sql.SQL(" where ({}) > ({})").format(keys, last)
    if where is not None:
        query += sql.SQL(" where ({}\n)").format(sql.SQL(where))  # a line of its own, for it may end with a comment
    if is_ordered(table.key_columns):
        order = sql.SQL(", ").join(map(_ordered_name, table.key_columns, table.key_by_bytes))
        query += sql.SQL(" order by {}").format(order)
    return sql.SQL("copy ({}) to stdout (format csv)").format(query)


def _ordered_name(column: Column, by_bytes: bool) -> sql.Composable:
    """A key's column as its order can be told here; where the database orders text so anyway its index serves."""
    name = sql.Identifier(column.name)
    return sql.SQL('{} collate "C"').format(name) if column.type_oid in TEXTS and not by_bytes else name


def _no_rows(columns: Sequence[Column]) -> pa.Table:
    return pa.table({column.name: pa.nulls(0, pa.string()) for column in columns})


def _readable(block: bytes, columns: Sequence[Column]) -> pa.Table:
    try:
        return _parsed(block, columns, typed=False)
    except pa.ArrowInvalid:
        # The server checks its encoding, so this is a database in SQL_ASCII; the bytes are kept readable.
        return _parsed(block.decode(errors="backslashreplace").encode(), columns, typed=False)


def _parsed(block: bytes, columns: Sequence[Column], *, typed: bool) -> pa.Table:
    """Rows of CSV; an unquoted empty field is null, a quoted one the empty string. Raises ArrowInvalid when typed."""
    kinds = {column.name: arrow_type(column) if typed else pa.string() for column in columns}
    binary = {name: kind for name, kind in kinds.items() if pa.types.is_binary(kind)}
    if binary:
        raise pa.ArrowInvalid("bytes come as hexadecimal text")
    return csv.read_csv(
        io.BytesIO(block),
        # One block for the parser too: a row must not straddle two of them, however long it is.
        csv.ReadOptions(column_names=list(kinds), block_size=len(block) + 1, use_threads=False),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=kinds,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
