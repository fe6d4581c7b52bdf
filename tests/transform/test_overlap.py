"""Two runs at the same time: one release, made of what one run wrote and checked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from bronze_builders import a_label, a_record, at, write_bronze
from pyspark.sql import DataFrame
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import Release, latest_release, scan_release
from transform import bronze, jobs, release, tables
from transform.errors import ChecksFailed, Superseded
from transform.spec import Table
from transform.storage import Lake, move_main
from transform.tables import customer_360, fraud_labels

# Several runs of everything, each of which takes a busy machine minutes.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(1200)]
START = at(30)
LABELS, LAST = fraud_labels.TABLE, customer_360.TABLE


def with_table(table: Table, build: Callable[..., DataFrame]) -> tuple[Table, ...]:
    """The tables, one of which is built otherwise."""
    return tuple(replace(table, build=build) if each is table else each for each in tables.TABLES)


def newest(lake: Lake) -> Release:
    found = latest_release(lake.catalog)
    assert found is not None
    return found


def labels(lake: Lake, pinned: Release) -> int:
    return scan_release(lake.catalog, pinned, LABELS.name).num_rows


@pytest.mark.long
def test_a_run_that_another_one_overtook_publishes_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bronze(lake.catalog, bronze.FRAUD_LABELS, [a_record(a_label("1"))])

    def overtaken(*frames: DataFrame) -> DataFrame:
        monkeypatch.setattr(jobs, "TABLES", tables.TABLES)
        write_bronze(lake.catalog, bronze.FRAUD_LABELS, [a_record(a_label("2"))])
        jobs.run(lake, ManualClock(START))
        return LAST.build(*frames)

    monkeypatch.setattr(jobs, "TABLES", with_table(LAST, overtaken))
    with pytest.raises(Superseded, match="another run published"):
        jobs.run(lake, ManualClock(START + timedelta(hours=1)))

    assert [row.created_at for row in release.published(lake.catalog)] == [START]
    assert labels(lake, newest(lake)) == 2
    assert {name: lake.current_snapshot(name) for name in newest(lake).snapshots} == newest(lake).snapshots


@pytest.mark.long
def test_a_run_publishes_what_it_wrote_and_checked_though_another_wrote_to_the_same_tables_since(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bronze(lake.catalog, bronze.FRAUD_LABELS, [a_record(a_label("1"))])

    def disturbed(*frames: DataFrame) -> DataFrame:
        doubled = with_table(LABELS, lambda judged: LABELS.build(judged).union(LABELS.build(judged)))
        monkeypatch.setattr(jobs, "TABLES", doubled)
        with pytest.raises(ChecksFailed, match="fraud_labels unique"):
            jobs.run(lake, ManualClock(START))
        return LAST.build(*frames)

    monkeypatch.setattr(jobs, "TABLES", with_table(LAST, disturbed))
    done = jobs.run(lake, ManualClock(START))

    assert done.published is not None
    assert newest(lake).release_id == done.published.release_id
    assert labels(lake, newest(lake)) == 1


def test_a_release_is_appended_only_onto_the_one_that_was_seen(lake: Lake) -> None:
    seen = release.head(lake.catalog)
    made = release.new_release(START, {"gold.x": 1}, {})
    release.append(lake.catalog, made, seen)
    with pytest.raises(Superseded):
        release.append(lake.catalog, made, seen)
    release.append(lake.catalog, made, release.head(lake.catalog))


@pytest.mark.long
def test_a_run_brings_main_to_a_release_whose_run_ended_before_it_did(lake: Lake) -> None:
    jobs.run(lake, ManualClock(START))
    first = newest(lake)
    jobs.run(lake, ManualClock(START + timedelta(hours=1)), full=True)
    for table, snapshot in first.snapshots.items():
        move_main(lake.catalog, table, snapshot)
    release.settle(lake.catalog)
    assert {name: lake.current_snapshot(name) for name in newest(lake).snapshots} == newest(lake).snapshots
