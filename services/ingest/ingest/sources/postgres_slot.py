"""The state of a replication slot: how far its reader is, and how much log the server keeps for it."""

from contextlib import suppress
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection

from ingest.sources.postgres_catalog import PostgresServer, translated

# The setting max_slot_wal_keep_size is in megabytes.
_MEGABYTE = 2**20
_STATE = """
    select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), confirmed_flush_lsn)::bigint,
           pg_wal_lsn_diff(pg_current_wal_flush_lsn(), restart_lsn)::bigint,
           active, wal_status,
           (select setting::bigint from pg_settings where name = 'max_slot_wal_keep_size')
    from pg_replication_slots where slot_name = %s
"""


@dataclass(frozen=True)
class SlotState:
    """Bytes of log after what the reader confirmed, and all that the server keeps for the slot; None when it is lost.

    `keep_bytes_max` is the server's own limit, beyond which it gives the slot up; None when it has none.
    """

    lag_bytes: int | None
    retained_bytes: int | None
    active: bool
    wal_status: str | None
    keep_bytes_max: int | None


class Slot:
    """Looks at one slot, through a connection that is kept and made anew when it broke."""

    def __init__(self, name: str, server: PostgresServer) -> None:
        self.name, self._server = name, server
        self._session: connection | None = None

    def state(self) -> SlotState | None:
        """The slot's state, None when there is no such slot; raises SourceUnavailable when the server is away."""
        try:
            with translated(f"slot {self.name}"):
                if self._session is None:
                    self._session = self._server.query()
                    self._session.set_session(autocommit=True, readonly=True)
                return self._ask(self._session)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Give back the connection."""
        with suppress(psycopg2.Error):
            if self._session is not None:
                self._session.close()
        self._session = None

    def _ask(self, session: connection) -> SlotState | None:
        with session.cursor() as cursor:
            cursor.execute(_STATE, (self.name,))
            row = cursor.fetchone()
        if row is None:
            return None
        lag, retained, active, status, megabytes = row
        return SlotState(lag, retained, active, status, None if megabytes < 0 else megabytes * _MEGABYTE)
