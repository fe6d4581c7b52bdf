"""What ingest asks of a PostgreSQL server's catalog, and the two things it makes there: publication and slot."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection
from psycopg2.extras import LogicalReplicationConnection
from shopsphere_kit.logging import get_logger

from ingest.errors import PositionLost, SourceUnavailable
from ingest.pgoutput import Column
from ingest.position import format_lsn, parse_lsn
from ingest.tables import postgres_table

# Longer than statements hold such locks in passing, and shorter than a server waits before it looks for a deadlock and
# ends one of those who take part (deadlock_timeout, 1 s): it shall never be the other one.
LOCK_WAIT = "500ms"

_log = get_logger(__name__)


@dataclass(frozen=True)
class PostgresServer:
    """How to reach a database: for questions, and for replication; sessions speak UTC, ISO dates and hex bytea."""

    query: Callable[[], connection]
    replication: Callable[[], LogicalReplicationConnection]


@dataclass(frozen=True)
class PublishedTable:
    """A table of the publication, with the columns that are published.

    `key_columns` are the primary key's in the order of its index; `key_by_bytes` says of each whether the server orders
    its text by bytes, as collation "C" does. `file` changes whenever the server rewrites the whole table;
    `estimated_rows` is the planner's guess, 0 when it has none.
    """

    namespace: str
    name: str
    columns: tuple[Column, ...]
    key_columns: tuple[Column, ...]
    key_by_bytes: tuple[bool, ...]
    file: int
    estimated_rows: int = field(compare=False)

    @property
    def bronze(self) -> str:
        """Its bronze table."""
        return postgres_table(self.namespace, self.name)

    @property
    def source(self) -> str:
        """What quarantine calls it."""
        return f"postgres:{self.namespace}.{self.name}"

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names of the primary key's columns."""
        return tuple(column.name for column in self.key_columns)


# 100 is the database's own collation; the provider "b" (builtin) orders by code point, which is by bytes in UTF-8.
_COLUMNS = """
    select p.schemaname, p.tablename, c.relfilenode::bigint, greatest(c.reltuples, 0)::bigint,
           a.attname, a.atttypid::bigint, a.atttypmod,
           array_position(i.indkey::int2[], a.attnum),
           case when a.attcollation = 100 then d.datlocprovider = 'b' or d.datcollate in ('C', 'POSIX')
                else coalesce(l.collprovider = 'b' or l.collcollate in ('C', 'POSIX'), true) end
    from pg_publication_tables p
    join pg_namespace n on n.nspname = p.schemaname
    join pg_class c on c.relname = p.tablename and c.relnamespace = n.oid
    join pg_attribute a on a.attrelid = c.oid and a.attname = any(p.attnames)
    join pg_database d on d.datname = current_database()
    left join pg_collation l on l.oid = a.attcollation
    left join pg_index i on i.indrelid = c.oid and i.indisprimary
    where p.pubname = %s
    order by p.schemaname, p.tablename, a.attnum
"""


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn the driver's errors into the two that ingest knows."""
    try:
        yield
    except errors.ObjectNotInPrerequisiteState as error:
        if "slot" not in str(error):  # a standby that takes over is away for a moment
            raise SourceUnavailable(f"{name}: {str(error).strip()}") from error
        raise PositionLost(f"{name}: {error}; the slot no longer holds the changes that follow") from error
    except psycopg2.Error as error:
        raise SourceUnavailable(f"{name}: {str(error).strip() or type(error).__name__}") from error


def published_tables(session: connection, publication: str) -> list[PublishedTable]:
    """The tables of the publication in the order of their names."""
    with session.cursor() as cursor:
        limit_lock_waits(cursor)
        cursor.execute(_COLUMNS, (publication,))
        found: dict[tuple[str, str, int, int], list[tuple[Column, int | None, bool]]] = {}
        for *table, name, oid, modifier, place, by_bytes in cursor.fetchall():
            column = Column(name, oid, modifier, place is not None)
            found.setdefault((table[0], table[1], table[2], table[3]), []).append((column, place, by_bytes))
    return [_published(*table, columns) for table, columns in found.items()]


def _published(
    namespace: str, name: str, file: int, rows: int, columns: Sequence[tuple[Column, int | None, bool]]
) -> PublishedTable:
    inside = [(place, column, by_bytes) for column, place, by_bytes in columns if place is not None]
    key = sorted(inside, key=lambda found: found[0])
    return PublishedTable(
        namespace,
        name,
        tuple(column for column, _, _ in columns),
        tuple(column for _, column, _ in key),
        tuple(by_bytes for _, _, by_bytes in key),
        file,
        rows,
    )


def limit_lock_waits(cursor: Any) -> None:
    """End each further wait for a lock of the session after a while.

    Who waits for a lock behind somebody who waits for one of ours (for `ALTER TABLE`, say) would wait for ever. After
    the error the source is opened again, and ours is given back. The making of a slot is not to be limited: it waits
    for the end of every transaction that is under way.
    """
    cursor.execute("set lock_timeout = %s", (LOCK_WAIT,))


def ensure_publication(session: connection, publication: str) -> None:
    """Make the publication of all tables when there is none of that name (needs a superuser)."""
    with session.cursor() as cursor:
        cursor.execute("select 1 from pg_publication where pubname = %s", (publication,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("create publication {} for all tables").format(sql.Identifier(publication)))
            _log.info("publication created", publication=publication)


def ensure_slot(session: connection, slot: str, *, followed: Sequence[str], recorded: int) -> None:
    """Make the slot when it is missing; raises PositionLost when it no longer has what follows the tables' positions.

    `recorded` is the furthest position of the tables that follow it. Ingest confirms no more than that, so a slot that
    is confirmed beyond it was made anew or read by somebody else, or the lake was set back.
    """
    with session.cursor() as cursor:
        cursor.execute("select wal_status, confirmed_flush_lsn from pg_replication_slots where slot_name = %s", (slot,))
        row = cursor.fetchone()
        if row is None and not followed:
            cursor.execute("set lock_timeout = 0")
            cursor.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))
            _log.info("replication slot created", slot=slot)
        elif row is None or row[0] == "lost":
            raise _lost(slot, "is gone", followed)
        elif followed and row[1] and parse_lsn(row[1]) > recorded:
            raise _lost(slot, f"begins at {row[1]}, after {format_lsn(recorded)} where the tables end", followed)


def _lost(slot: str, what: str, followed: Sequence[str]) -> PositionLost:
    return PositionLost(
        f"the replication slot {slot} {what}, but {', '.join(followed)} follow it: changes are missing; "
        "drop those bronze tables to copy them anew",
        field="INGEST_POSTGRES_SLOT",
    )


def confirmed_lsn(session: connection, slot: str) -> int | None:
    """Up to where the slot's reader has confirmed, or None without a slot."""
    with session.cursor() as cursor:
        cursor.execute("select confirmed_flush_lsn from pg_replication_slots where slot_name = %s", (slot,))
        row = cursor.fetchone()
    return parse_lsn(row[0]) if row and row[0] else None


def flushed_lsn(session: connection) -> int:
    """The end of the write-ahead log that is safely on disk: every transaction committed until now is before it."""
    with session.cursor() as cursor:
        cursor.execute("select pg_current_wal_flush_lsn()")
        row = cursor.fetchone()
    if row is None:
        raise SourceUnavailable("postgres: no answer to pg_current_wal_flush_lsn()")
    return parse_lsn(row[0])
