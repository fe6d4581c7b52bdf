"""The replication slot: what moves it, what must not, and who may read it."""

from threading import Event

import pytest
from ingest import bootstrap, report
from ingest.errors import PositionLost, SourceUnavailable, UnusableIdentity, WriterFenced
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sources import postgres_stream
from ingest_builders import bronze_tables, drain, execute, query
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers


def test_tables_without_changes_do_not_hold_the_slot_back(dsn: str, pump: Pump, settings: Settings) -> None:
    pump.open()
    drain(pump)
    execute(dsn, "select pg_logical_emit_message(true, 'noise', repeat('x', 9999)) from generate_series(1, 99)")
    tables, sources = bronze_tables(settings.lake), bootstrap.progress(settings)
    sources[0].mark()
    wait_until(
        lambda: not (pump.step() or sources[0].behind(report.positions(tables))),
        deadline_seconds=30,
        what="the slot to pass log of no table",
    )


def test_a_slot_that_was_dropped_is_noticed(dsn: str, pump: Pump, settings: Settings) -> None:
    pump.open()
    drain(pump)
    pump._source.close()
    execute(dsn, f"select pg_drop_replication_slot('{settings.postgres_slot}')")
    with pytest.raises(Exception, match="changes are missing"):
        pump.open()


def test_a_slot_that_was_made_anew_is_noticed(dsn: str, pump: Pump, settings: Settings) -> None:
    pump.open()
    drain(pump)
    pump._source.close()
    execute(
        dsn,
        f"select pg_drop_replication_slot('{settings.postgres_slot}')",
        "insert into people (id) values (1)",
        f"select pg_create_logical_replication_slot('{settings.postgres_slot}', 'pgoutput')",
    )
    with pytest.raises(PositionLost, match="changes are missing"):
        pump.open()


def test_a_second_ingest_on_the_same_slot_says_why_it_stops(
    pump: Pump, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_stream, "BUSY_SECONDS", 0.2)
    pump.open()
    drain(pump)
    second = bootstrap.pumps(settings, Event())[0]
    with pytest.raises(SourceUnavailable, match="is active for PID"):
        second.open()
    second._source.close()

    def is_fenced() -> bool:
        try:
            second.open()
        except WriterFenced as error:
            return "another ingest reads it" in error.detail
        except SourceUnavailable:
            return False
        finally:
            second._source.close()
        return False

    wait_until(is_fenced, deadline_seconds=20, what="the reason")
    assert pump.step() == 0


def test_an_index_as_identity_that_does_not_tell_rows_apart_is_refused_with_its_remedy(dsn: str, pump: Pump) -> None:
    pump.open()
    drain(pump)
    execute(
        dsn,
        "alter table people alter column visits set not null",
        "create unique index by_visits on people (visits)",
        "alter table people replica identity using index by_visits",
        "insert into people (id, visits) values (1, 1)",
    )
    with pytest.raises(UnusableIdentity, match="REPLICA IDENTITY FULL"):
        drain(pump)


def test_a_small_idle_table_does_not_hold_the_log_back_for_ever(dsn: str, pump: Pump, settings: Settings) -> None:
    execute(dsn, "insert into empty values (1)")
    pump.open()
    drain(pump)
    for number in range(3):
        execute(dsn, f"insert into people (id, note) values ({number}, repeat('x', 100000))")  # noqa: S608
        drain(pump)
    (held,) = query(
        dsn,
        "select pg_current_wal_flush_lsn() - confirmed_flush_lsn < 10000 "  # noqa: S608 - its own slot
        f"from pg_replication_slots where slot_name = '{settings.postgres_slot}'",
    )
    assert held == (True,)
