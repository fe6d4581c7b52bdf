"""The database as it is at one point of the write-ahead log, for as many sessions as read it beside each other."""

import uuid
from contextlib import ExitStack, closing
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ, connection

from ingest.errors import SourceUnavailable
from ingest.position import parse_lsn
from ingest.sources.postgres_catalog import PostgresServer, PublishedTable, published_tables


class Snapshot:
    """The database as it is at `consistent_point`: changes committed from there on are not in it.

    A temporary slot exports it. The lasting slot, made earlier, streams from an earlier point; each table's own
    position then skips what its copy already has. So a copy that was killed goes on under another snapshot.
    """

    def __init__(self, server: PostgresServer, slot: str) -> None:
        self._server = server
        self._exporter = server.replication()
        try:
            name = f"{slot}_copy_{uuid.uuid4().hex[:8]}"
            self.consistent_point, self._name = _export(self._exporter.cursor(), name)
            with self.session() as session, session.cursor() as cursor:
                cursor.execute("select transaction_timestamp()")
                (self.taken_at,) = cursor.fetchone() or (None,)
            session.close()
        except Exception:
            self._exporter.close()
            raise

    def session(self) -> connection:
        """Open a read-only session that sees the snapshot; possible until `close`, and readable after it."""
        with ExitStack() as on_failure:
            session = self._server.query()
            on_failure.callback(session.close)
            session.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True, autocommit=False)
            with session.cursor() as cursor:
                cursor.execute("set transaction snapshot %s", (self._name,))
            on_failure.pop_all()
        return session

    def session_for(self, table: PublishedTable, publication: str) -> connection:
        """Open a session that holds the table as it is at the snapshot; raises SourceUnavailable when that is past.

        A table that was rewritten or emptied since looks empty to an older snapshot (PostgreSQL manual, "Caveats" of
        concurrency control), and its columns are the new ones already. The lock keeps both from happening later.
        """
        with ExitStack() as on_failure:
            session = self.session()
            on_failure.callback(session.close)
            # Asking for the tables takes locks in passing, so this session asks before it holds one itself: one that
            # waits for a lock while it holds another could make a transaction of the shop the victim of a deadlock.
            then = published_tables(session, publication)
            with session.cursor() as cursor:
                name = sql.Identifier(table.namespace, table.name)
                cursor.execute(sql.SQL("lock table {} in access share mode").format(name))
            with closing(self._server.query()) as other:
                now = published_tables(other, publication)
            if table not in then or table not in now:
                raise SourceUnavailable(
                    f"{table.source} was altered while its copy was to begin; taking a new snapshot"
                )
            on_failure.pop_all()
        return session

    def close(self) -> None:
        """Let the server forget the snapshot once its sessions are over."""
        self._exporter.close()


def _export(cursor: Any, slot: str) -> tuple[int, str]:
    command = sql.SQL("CREATE_REPLICATION_SLOT {} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')")
    cursor.execute(command.format(sql.Identifier(slot)))
    _, consistent_point, name, _ = cursor.fetchone()
    return parse_lsn(consistent_point), name
