"""A PostgreSQL database of one run, gone with its slots afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from ingest_builders import a_database, execute
from psycopg2.extensions import parse_dsn
from shopsphere_kit.waiting import wait_until


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """Make a database on the server; gives its address."""
    dsn = a_database(server)
    name = parse_dsn(dsn)["dbname"]
    try:
        yield dsn
    finally:
        wait_until(lambda: _dropped(server, name), deadline_seconds=60, what=f"the slots of {name} to be free")


def release_slots(server: str, database: str) -> None:
    """End the server's side of every reader of the database, as it does by itself after wal_sender_timeout."""
    execute(server, f"select pg_terminate_backend(active_pid) from pg_replication_slots where database = '{database}'")


def _dropped(server: str, name: str) -> bool:
    release_slots(server, name)
    try:
        execute(
            server,
            f"select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = '{name}'",
            f"drop database {name} with (force)",
        )
    except psycopg2.errors.ObjectInUse:  # the reader that was just ended has not let go yet
        return False
    return True
