"""Rows of a PostgreSQL table that an SQL condition chooses, under a snapshot whose place in the log is known."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection
from shopsphere_kit.errors import InvalidArgument

from ingest.batch import Batch, Chunk
from ingest.sources.postgres_catalog import PostgresServer, PublishedTable, published_tables, translated
from ingest.sources.postgres_copy import TableCopy
from ingest.sources.postgres_snapshot import Snapshot
from ingest.sources.ranges import Range

# What the server says of a condition that it cannot read; all else is the server's trouble.
_PART_SECONDS = 1.0
_WRONG = (psycopg2.ProgrammingError, psycopg2.DataError, errors.ReadOnlySqlTransaction)


class PostgresRange:
    """Opens ranges of the published tables; the condition runs in a read-only transaction."""

    def __init__(self, database: str, publication: str, slot: str, server: PostgresServer) -> None:
        self._name, self._publication, self._slot, self._server = f"postgres:{database}", publication, slot, server

    @contextmanager
    def __call__(self, table: str, where: str, _: Iterable[str]) -> Iterator[Range]:
        """See RangeReader; every snapshot has a place of its own."""
        with translated(self._name), closing(self._server.query()) as session:
            session.set_session(readonly=True)
            found = _published(session, self._publication, table)
            _check(session, found, where)
        with (
            translated(self._name),
            closing(Snapshot(self._server, self._slot)) as snapshot,
            closing(TableCopy(snapshot, snapshot.session_for(found, self._publication), found, None, where)) as copy,
        ):
            yield Range(found.source, _chunks(copy))


def _chunks(copy: TableCopy) -> Iterator[Chunk]:
    while not copy.is_read:
        part = _part(copy)
        if part is not None:
            yield from part.chunks


def _part(copy: TableCopy) -> Batch | None:
    try:
        return copy.part(seconds=_PART_SECONDS)
    except psycopg2.DataError as error:
        # The server's message quotes the row's value, which may be personal.
        raise InvalidArgument(
            f"--where: the condition fails on a row of {copy.table.source} ({type(error).__name__}); "
            "write one that holds for every row",
            field="where",
        ) from None


def _published(session: connection, publication: str, bronze: str) -> PublishedTable:
    tables = {table.bronze: table for table in published_tables(session, publication)}
    if bronze not in tables:
        raise InvalidArgument(
            f"table: {bronze} is not filled from the publication {publication}; it has {', '.join(tables) or 'none'}",
            field="table",
        )
    return tables[bronze]


def _check(session: connection, table: PublishedTable, where: str) -> None:
    if ";" in where:
        # The driver sends several commands at once, and one of them could end the read-only transaction.
        raise InvalidArgument(
            "--where: a condition is one expression and has no semicolon; in a text write chr(59) for it", field="where"
        )
    command = sql.SQL("explain select 1 from {} where ({}\n)").format(
        sql.Identifier(table.namespace, table.name), sql.SQL(where)
    )
    try:
        with session.cursor() as cursor:
            cursor.execute(command)
    except _WRONG as error:
        columns = ", ".join(column.name for column in table.columns)
        message = str(error).partition("\n")[0]
        raise InvalidArgument(
            f"--where: {message}; write an SQL condition over the columns {columns}", field="where"
        ) from error
