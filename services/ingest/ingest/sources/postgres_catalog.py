"""What ingest asks of a PostgreSQL server's catalog, and the two things it makes there: publication and slot."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection
from psycopg2.extras import LogicalReplicationConnection
from shopsphere_kit.logging import get_logger

from ingest.errors import PositionLost, SourceUnavailable
from ingest.pgoutput import Column
from ingest.position import parse_lsn
from ingest.tables import postgres_table

_log = get_logger(__name__)


@dataclass(frozen=True)
class PostgresServer:
    """How to reach a database: for questions, and for replication; sessions speak UTC, ISO dates and hex bytea."""

    query: Callable[[], connection]
    replication: Callable[[], LogicalReplicationConnection]


@dataclass(frozen=True)
class PublishedTable:
    """A table of the publication, with the columns that are published."""

    namespace: str
    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]

    @property
    def bronze(self) -> str:
        """Its bronze table."""
        return postgres_table(self.namespace, self.name)

    @property
    def source(self) -> str:
        """What quarantine calls it."""
        return f"postgres:{self.namespace}.{self.name}"


_COLUMNS = """
    select p.schemaname, p.tablename, a.attname, a.atttypid::bigint, a.atttypmod,
           coalesce(a.attnum = any(i.indkey), false)
    from pg_publication_tables p
    join pg_namespace n on n.nspname = p.schemaname
    join pg_class c on c.relname = p.tablename and c.relnamespace = n.oid
    join pg_attribute a on a.attrelid = c.oid and a.attname = any(p.attnames)
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
        raise PositionLost(f"{name}: {error}; the slot no longer holds the changes that follow") from error
    except psycopg2.Error as error:
        raise SourceUnavailable(f"{name}: {str(error).strip() or type(error).__name__}") from error


def published_tables(session: connection, publication: str) -> list[PublishedTable]:
    """The tables of the publication in the order of their names."""
    with session.cursor() as cursor:
        cursor.execute(_COLUMNS, (publication,))
        found: dict[tuple[str, str], list[tuple[Column, bool]]] = {}
        for namespace, table, name, oid, modifier, in_key in cursor.fetchall():
            found.setdefault((namespace, table), []).append((Column(name, oid, modifier, in_key), in_key))
    return [
        PublishedTable(
            namespace, table, tuple(column for column, _ in columns), tuple(c.name for c, in_key in columns if in_key)
        )
        for (namespace, table), columns in found.items()
    ]


def ensure_publication(session: connection, publication: str) -> None:
    """Make the publication of all tables when there is none of that name (needs a superuser)."""
    with session.cursor() as cursor:
        cursor.execute("select 1 from pg_publication where pubname = %s", (publication,))
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("create publication {} for all tables").format(sql.Identifier(publication)))
            _log.info("publication created", publication=publication)


def ensure_slot(session: connection, slot: str, *, followed: Sequence[str]) -> None:
    """Make the slot when it is missing; raises PositionLost when tables already follow one that is gone."""
    with session.cursor() as cursor:
        cursor.execute("select wal_status from pg_replication_slots where slot_name = %s", (slot,))
        row = cursor.fetchone()
        if row is None and not followed:
            cursor.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (slot,))
            _log.info("replication slot created", slot=slot)
        elif row is None or row[0] == "lost":
            raise PositionLost(
                f"the replication slot {slot} is gone but {', '.join(followed)} follow it: changes are missing; "
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
