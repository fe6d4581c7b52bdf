"""The initial copy: whole tables as they are at one point of the write-ahead log, streamed as CSV into Arrow."""

import io
import queue
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Self

import pyarrow as pa
from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ, connection
from pyarrow import csv

from ingest.batch import Chunk
from ingest.pgoutput import Column
from ingest.position import parse_lsn, postgres_row, snapshot_row_lsn
from ingest.postgres_types import Array
from ingest.rows import text_chunk
from ingest.sources.postgres_catalog import PostgresServer, PublishedTable, translated
from ingest.tables import TIMESTAMP

# Bytes of CSV that become one chunk: large enough for full Parquet files, small enough to sit in memory many times.
CHUNK_BYTES = 16 * 2**20


class Snapshot:
    """The database as it is at `consistent_point`: changes committed from there on are not in it.

    A temporary slot exports it. The lasting slot, made earlier, streams from an earlier point; each table's own
    position then skips what its copy already has. So a copy that was killed is simply taken again.
    """

    def __init__(self, server: PostgresServer, slot: str) -> None:
        exporter = server.replication()
        try:
            self.consistent_point, name = _export(exporter.cursor(), f"{slot}_copy_{uuid.uuid4().hex[:8]}")
            self._session = server.query()
            self._session.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True, autocommit=False)
            self.taken_at = _import(self._session, name)
        finally:
            exporter.close()

    def chunks(self, table: PublishedTable) -> Iterator[Chunk]:
        """The table's rows, operation `r`; at least one chunk, so that an empty table's columns are known too."""
        numbered = 0
        with translated(table.source):
            for texts in _csv(self._session, table):
                yield self._chunk(table, texts, numbered)
                numbered += texts.num_rows
            if numbered == 0:
                yield self._chunk(table, _no_rows(table.columns), 0)

    def close(self) -> None:
        """Let the server forget the snapshot."""
        self._session.close()

    def _chunk(self, table: PublishedTable, texts: pa.RecordBatch, first: int) -> Chunk:
        lsn = snapshot_row_lsn(self.consistent_point)
        places = [postgres_row(lsn, number) for number in range(first, first + texts.num_rows)]
        control: list[Array] = [
            pa.array(["r"] * texts.num_rows, pa.string()),
            pa.array(places, pa.string()),
            pa.array([self.taken_at] * texts.num_rows, TIMESTAMP),
        ]
        return text_chunk(table.columns, texts.columns, control, source=table.source)


def _export(cursor: Any, slot: str) -> tuple[int, str]:
    command = sql.SQL("CREATE_REPLICATION_SLOT {} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')")
    cursor.execute(command.format(sql.Identifier(slot)))
    _, consistent_point, name, _ = cursor.fetchone()
    return parse_lsn(consistent_point), name


def _import(session: connection, snapshot: str) -> datetime:
    with session.cursor() as cursor:
        cursor.execute("set transaction snapshot %s", (snapshot,))
        cursor.execute("select transaction_timestamp()")
        row = cursor.fetchone()
    taken_at: datetime = row[0]  # type: ignore[index]  # a select without a table has one row
    return taken_at


def _no_rows(columns: Sequence[Column]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, pa.string()) for _ in columns], [column.name for column in columns])


def _csv(session: connection, table: PublishedTable) -> Iterator[pa.RecordBatch]:
    """Read `COPY … TO STDOUT` block by block; an unquoted empty field is null, a quoted one the empty string."""
    names = [column.name for column in table.columns]
    with _Copying(session, _copy_command(table, names)) as copying:
        for block in copying.blocks():
            yield from _parsed(block, names).combine_chunks().to_batches()


def _parsed(block: bytes, names: Sequence[str]) -> pa.Table:
    return csv.read_csv(
        io.BytesIO(block),
        # One block for the parser too: a row must not straddle two of them, however long it is.
        csv.ReadOptions(column_names=list(names), block_size=len(block) + 1, use_threads=False),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _copy_command(table: PublishedTable, names: Sequence[str]) -> sql.Composed:
    return sql.SQL("copy (select {} from {}) to stdout (format csv)").format(
        sql.SQL(", ").join(sql.Identifier(name) for name in names), sql.Identifier(table.namespace, table.name)
    )


class _Copying:
    """A COPY that runs in a thread of its own; leaving the block ends it, and raises what failed there."""

    def __init__(self, session: connection, command: sql.Composed) -> None:
        self._session = session
        self._command = command
        self._rows: list[bytes] = []
        self._size = 0
        # One block is read while the next one fills; a reader that is slower holds the server back.
        self._blocks: queue.Queue[bytes | None] = queue.Queue(maxsize=1)
        self._left = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="copy", daemon=True)

    def __enter__(self) -> Self:
        """Start copying."""
        self._thread.start()
        return self

    def __exit__(self, error: object, *_: object) -> None:
        """Wait for the thread; a copy that broke off must not look like the end of the table."""
        self._left.set()
        while self._thread.is_alive():
            with suppress(queue.Empty):
                self._blocks.get(timeout=0.05)
        if self._error is not None and error is None:
            raise self._error

    def blocks(self) -> Iterator[bytes]:
        """Blocks of whole rows as CSV, about CHUNK_BYTES long, or as long as the one row in it."""
        while (block := self._blocks.get()) is not None:
            yield block

    def write(self, row: bytes) -> int:
        """Take what psycopg2 hands over: libpq gives one row per call, never a part of one."""
        if self._left.is_set():
            raise BrokenPipeError("the reader of the copy has left")
        self._rows.append(row)
        self._size += len(row)
        if self._size >= CHUNK_BYTES:
            self._flush()
        return len(row)

    def _flush(self) -> None:
        if self._rows:
            self._blocks.put(b"".join(self._rows))
        self._rows, self._size = [], 0

    def _run(self) -> None:
        try:
            with self._session.cursor() as cursor:
                cursor.copy_expert(self._command, self)
            self._flush()
        except Exception as error:  # noqa: BLE001 - handed to the reading thread, which raises it
            self._error = error
        finally:
            self._blocks.put(None)
