"""The Postgres source against a real server."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest
from ingest import bootstrap
from ingest.batch import Pace
from ingest.errors import SourceUnavailable
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sink import IcebergSink
from ingest_builders import bronze, bronze_tables, drain, execute
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
