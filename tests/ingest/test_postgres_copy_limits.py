"""What an initial copy must bear: rows longer than a block, and a kill between two tables."""

from collections import Counter
from contextlib import suppress
from threading import Event

import psycopg2
import pytest
from ingest import bootstrap
from ingest.batch import Pace
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sink import QUARANTINED, IcebergSink
from ingest.sources import copy_thread
from ingest.sources.copy_thread import BLOCK_BYTES
from ingest_builders import bronze, bronze_tables, drain, execute, query
from psycopg2 import sql
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers


def test_a_value_longer_than_a_block_is_copied_whole(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    size = 2 * BLOCK_BYTES + 4 * 2**20
    execute(
        dsn,
        "insert into people (id, note) select n, 'small' from generate_series(1, 5) n",
        f"insert into people (id, note) values (6, repeat('a,\"' || chr(10), {size // 4}))",  # noqa: S608
        "insert into people (id, note) values (7, 'after')",
    )
    pump.open()
    drain(pump)
    notes = {row["id"]: str(row["note"]) for row in bronze(lake_settings, "bronze_postgres__people")}
    assert notes.pop(6) == 'a,"\n' * (size // 4)
    assert notes == {1: "small", 2: "small", 3: "small", 4: "small", 5: "small", 7: "after"}


class KilledError(BaseException):
    """The process is killed here."""


class KillingAtSecond:
    """A fault that kills after the second table's rejected rows are in quarantine, and before its rows are in."""

    def __init__(self) -> None:
        self._passed = 0

    def __call__(self, moment: str) -> None:
        self._passed += moment == QUARANTINED
        if self._passed == 2:
            raise KilledError


def test_a_copy_that_was_killed_quarantines_its_rows_once(
    dsn: str, settings: Settings, lake_settings: LakeSettings
) -> None:
    execute(
        dsn,
        "insert into people (id, balance) values (1, 'NaN'), (2, 5)",
        "create table twins (balance numeric(12,2))",
        "insert into twins values ('NaN'), ('NaN')",
    )
    for fault in (KillingAtSecond(), KillingAtSecond(), lambda _: None):
        (source,) = bootstrap.sources(settings)
        sink = IcebergSink(bronze_tables(lake_settings), SystemClock(), fault)
        pump = Pump(source, sink, Pace(10, 0.3), Event())
        pump.open()
        with suppress(KilledError):
            drain(pump)
        source.close()
        # The next copy is taken at another point, and finds the rows in another order.
        execute(
            dsn, "insert into people (id) select max(id) + 1 from people", "update people set visits = 1 where id > 1"
        )
    bad = bronze(lake_settings, "quarantine")
    assert Counter(row["source"] for row in bad) == {"postgres:public.people": 1, "postgres:public.twins": 2}


def test_a_slow_reader_holds_the_server_back_instead_of_filling_memory(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_thread, "BLOCK_BYTES", 2**18)
    session = psycopg2.connect(dsn)
    rows = "select n, repeat('x', 100) from generate_series(1, 1000000) n"
    command = sql.SQL("copy ({}) to stdout (format csv)").format(sql.SQL(rows))
    copying = copy_thread.CopyThread(session, command, part_bytes=2**20)
    sent: list[int] = [0]

    def stands_still() -> bool:
        progress = query(dsn, "select bytes_processed from pg_stat_progress_copy where datname = current_database()")
        sent.append(int(progress[0][0]) if progress else 0)
        return 0 < sent[-1] == sent[-2]

    wait_until(stands_still, deadline_seconds=30, what="the server to be held back", poll_seconds=0.5)
    # Two parts of 1 MB, and what the sockets hold; the table has 107 MB.
    assert sent[-1] < 20 * 2**20
    copying.close()
    session.close()
