"""The Postgres source against a real server."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event

import pytest
from ingest import bootstrap, report
from ingest.batch import Pace
from ingest.errors import PositionLost, SourceUnavailable, UnusableIdentity, WriterFenced
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sink import QUARANTINED, IcebergSink
from ingest.sources import postgres_stream
from ingest.sources.copy_thread import BLOCK_BYTES
from ingest_builders import bronze, bronze_tables, drain, execute, query
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers


def test_a_table_is_copied_with_exact_types(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    execute(
        dsn,
        "insert into people values (1, 'Ada', 12.30, 0.000001, '1815-12-10', '2024-02-29 23:59:59.123456+02', true, 3,"
        " 'two\nlines, \"quotes\"'), (2, '', null, null, null, null, null, null, null)",
    )
    pump.open()
    drain(pump)
    first, second = bronze(lake_settings, "bronze_postgres__people")
    assert (first["name"], str(first["balance"]), str(first["rate"])) == ("Ada", "12.30", "0.000001")
    assert (str(first["born"]), first["active"], first["visits"]) == ("1815-12-10", True, 3)
    assert str(first["seen"]) == "2024-02-29 21:59:59.123456+00:00"
    assert (first["note"], first["_op"]) == ('two\nlines, "quotes"', "r")
    assert (second["name"], second["balance"], second["note"]) == ("", None, None)
    assert bronze(lake_settings, "bronze_postgres__empty") == []


def test_changes_follow_the_copy_without_gap_or_overlap(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    execute(dsn, "insert into people (id, name) values (1, 'Ada')")
    pump.open()
    execute(dsn, "insert into people (id, name) values (2, 'Grace')")  # after the snapshot, before the copy
    drain(pump)
    execute(dsn, "update people set name = 'Augusta' where id = 1", "delete from people where id = 2")
    drain(pump)
    rows = bronze(lake_settings, "bronze_postgres__people")
    found = [(row["_op"], row["id"], row["name"]) for row in rows]
    assert found == [("r", 1, "Ada"), ("c", 2, "Grace"), ("u", 1, "Augusta"), ("d", 2, "Grace")]


def test_rows_of_one_transaction_share_its_position(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    pump.open()
    drain(pump)
    execute(dsn, "begin; insert into people (id) values (1), (2); insert into empty values (3); commit")
    drain(pump)
    people = [str(row["_position"]).split("/") for row in bronze(lake_settings, "bronze_postgres__people")]
    (other,) = [str(row["_position"]).split("/") for row in bronze(lake_settings, "bronze_postgres__empty")]
    assert [index for _, index in people] == ["00000000", "00000002"]
    assert other == [people[0][0], "00000004"]


def test_an_aborted_transaction_leaves_no_row(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    pump.open()
    execute(dsn, "begin; insert into people (id) values (1); rollback", "insert into people (id) values (2)")
    drain(pump)
    assert [row["id"] for row in bronze(lake_settings, "bronze_postgres__people")] == [2]


def test_a_changed_key_is_a_delete_and_a_create(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    pump.open()
    drain(pump)
    execute(dsn, "insert into people (id) values (1)", "update people set id = 9 where id = 1", "truncate people")
    drain(pump)
    rows = bronze(lake_settings, "bronze_postgres__people")
    assert [(row["_op"], row["id"]) for row in rows] == [("c", 1), ("d", 1), ("c", 9), ("t", None)]


def test_a_value_stored_apart_and_not_touched_is_not_null(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    pump.open()
    drain(pump)
    execute(
        dsn,
        "alter table people alter column note set storage external",
        "insert into people (id, note) values (1, repeat('x', 20000))",
        "update people set name = 'Ada' where id = 1",
    )
    drain(pump)
    rows = bronze(lake_settings, "bronze_postgres__people")
    assert [(row["_op"], len(str(row["note"]))) for row in rows] == [("c", 20000), ("u", 20000)]


def test_an_added_column_appears_and_an_impossible_value_is_quarantined(
    dsn: str, pump: Pump, lake_settings: LakeSettings
) -> None:
    pump.open()
    drain(pump)
    execute(
        dsn,
        "insert into people (id) values (1)",
        "alter table people add column colour text",
        "insert into people (id, colour) values (2, 'red')",
        "insert into people (id, balance) values (3, 'NaN')",
    )
    drain(pump)
    rows = bronze(lake_settings, "bronze_postgres__people")
    assert [(row["id"], row["colour"]) for row in rows] == [(1, None), (2, "red")]
    (bad,) = bronze(lake_settings, "quarantine")
    assert (bad["source"], bad["reason"]) == ("postgres:public.people", "value_out_of_range")
    assert b'"id": "3"' in bad["value"]  # type: ignore[operator]


def test_a_type_that_bronze_cannot_become_is_quarantined(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    pump.open()
    drain(pump)
    execute(
        dsn,
        "insert into people (id, visits) values (1, 5)",
        "alter table people alter column visits type text",
        "insert into people (id, visits) values (2, 'many')",
        "alter table people alter column visits type bigint using 7",
        "insert into people (id, visits) values (3, 3000000000)",
    )
    drain(pump)
    rows = bronze(lake_settings, "bronze_postgres__people")
    assert [(row["id"], row["visits"]) for row in rows] == [(1, 5), (3, 3000000000)]
    assert [row["reason"] for row in bronze(lake_settings, "quarantine")] == ["incompatible_schema"]


def test_a_table_made_later_is_copied_and_followed(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    pump.open()
    drain(pump)
    execute(dsn, "create table later (id bigint primary key)", "insert into later values (1)")
    wait_until(lambda: step_and_see(pump, lake_settings, "later") == [1], deadline_seconds=30, what="the copy")
    execute(dsn, "insert into later values (2)")
    drain(pump)
    assert [row["id"] for row in bronze(lake_settings, "bronze_postgres__later")] == [1, 2]


def step_and_see(pump: Pump, lake: LakeSettings, table: str) -> list[object]:
    """One step, which passes over a table that joins; then the ids in bronze."""
    try:
        pump.step()
    except SourceUnavailable:
        pump._source.close()
        pump.open()
    if bronze_tables(lake).position(f"bronze_postgres__{table}") is None:
        return []
    return [row["id"] for row in bronze(lake, f"bronze_postgres__{table}")]


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


def test_a_batch_is_cut_by_its_bytes(dsn: str, pump: Pump, lake_settings: LakeSettings) -> None:
    pump.open()
    drain(pump)
    for number in range(6):
        execute(dsn, f"insert into people (id, note) values ({number}, repeat('x', 1000))")  # noqa: S608
    sizes = []
    while batches := pump._source.read(Pace(1000, 0.5, size=2000)):
        sizes += [sum(chunk.rows.num_rows for chunk in batch.chunks) for batch in batches]
    assert (sum(sizes), max(sizes)) == (6, 2)


def test_a_transaction_larger_than_memory_is_seen_as_a_whole_or_not_at_all(
    dsn: str, settings: Settings, lake_settings: LakeSettings
) -> None:
    small = Pace(1000, 0.3, size=20_000)
    with pump_of(settings, small) as pump:
        pump.open()
        drain(pump)
    execute(
        dsn,
        "insert into people (id) values (0)",
        "insert into people (id, note) select n, repeat('x', 500) from generate_series(1, 500) n",
    )
    with pump_of(settings, small) as killed:
        killed.open()
        wait_until(lambda: bool(killed.step() and killed._staged), deadline_seconds=30, what="a staged part")
    assert [row["id"] for row in bronze(lake_settings, "bronze_postgres__people")] in ([], [0])
    with pump_of(settings, small) as pump:
        pump.open()
        drain(pump)
    rows = bronze(lake_settings, "bronze_postgres__people")
    assert [row["id"] for row in rows] == list(range(501))
    assert len({str(row["_position"]).split("/")[0] for row in rows}) == 2


@contextmanager
def pump_of(settings: Settings, pace: Pace) -> Iterator[Pump]:
    (source,) = bootstrap.sources(settings)
    pump = Pump(source, IcebergSink(bronze_tables(settings.lake), SystemClock()), pace, Event())
    yield pump
    source.close()


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
