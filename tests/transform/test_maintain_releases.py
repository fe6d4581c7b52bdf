"""Maintenance of silver and gold by a real Spark: merged files become a release with the same rows, old ones end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.types import StructType
from shopsphere_kit.clock import ManualClock, SystemClock
from shopsphere_kit.lake import RELEASES, latest_release, open_catalog, scan_release
from shopsphere_kit.lake import release as released
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until
from transform import release
from transform.content import content_hash
from transform.maintenance import Report, maintain
from transform.release import ReleaseRow
from transform.spec import LONG, STRING, Stored, optional, required
from transform.storage import Lake
from transform.table_state import state_of
from transform.upkeep import Limits

# Maintenance is a dozen Spark jobs per table, which a busy machine takes minutes for.
pytestmark = [
    pytest.mark.servers,
    pytest.mark.timeout(1200),
    # These write with PyIceberg what runs write with Spark, which knows the size of row groups.
    pytest.mark.filterwarnings("ignore:Parquet writer option:UserWarning"),
]
SCHEMA = StructType([required("id", LONG), required("of_release", LONG), optional("email", STRING)])
PEOPLE = Stored("silver.people", ("id",), SCHEMA, ("email",), (), sorted_by=("email",))
SALES = replace(PEOPLE, name="gold.sales")
LIMITS = Limits()
# What no kept release names goes at once, and so does a release that is not one of the newest two.
IMPATIENT = replace(LIMITS, release_age=timedelta(0), unpublished_age=timedelta(0))
FILES = 4


@dataclass
class Shop:
    """Runs of two tables: each run writes its number into every row, in several small files."""

    lake: Lake
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime.now(UTC) - timedelta(hours=9)))

    def publish(self, number: int) -> ReleaseRow:
        """A release of both tables."""
        seen = release.head(self.lake.catalog)
        row = self.built(number)
        release.append(self.lake.catalog, row, seen)
        release.settle(self.lake.catalog)
        self.drop_branches(number)
        return row

    def built(self, number: int) -> ReleaseRow:
        """What a run wrote, but did not publish."""
        self.clock.advance(timedelta(hours=1))
        tables = {table.name: self._written(table, number) for table in (PEOPLE, SALES)}
        return release.new_release(self.clock.now(), tables, {})

    def _written(self, table: Stored, number: int) -> int:
        catalog, branch = self.lake.catalog, f"run_{number}"
        if not catalog.table_exists(table.name):
            self.lake.prepare(table, branch, None)
        # A branch that is not there yet begins empty.
        stored = catalog.load_table(table.name)
        for key in range(FILES):
            row = {"id": key, "of_release": number, "email": f"{9 - key}@shop.example"}
            stored.append(pa.Table.from_pylist([row], stored.schema().as_arrow()), branch=branch)
        return stored.metadata.refs[branch].snapshot_id

    def drop_branches(self, number: int) -> None:
        """What a run does when it has published."""
        for table in (PEOPLE, SALES):
            stored = self.lake.catalog.load_table(table.name)
            if f"run_{number}" in stored.metadata.refs:
                with stored.manage_snapshots() as manage:
                    manage.remove_branch(f"run_{number}")


@pytest.fixture
def shop(lake: Lake) -> Shop:
    return Shop(lake)


def kept_up(lake: Lake, limits: Limits = LIMITS) -> Report:
    report = maintain(lake.catalog, lambda: nullcontext(lake), limits, SystemClock())
    assert report.failures == {}
    return report


def hashes(lake: Lake, row: ReleaseRow) -> dict[str, str]:
    return {name: content_hash(lake.at_snapshot(name, snapshot)) for name, snapshot in row.tables.items()}


def files(lake: Lake, table: Stored) -> list[str]:
    return [task.file.file_path for task in lake.catalog.load_table(table.name).scan().plan_files()]


def snapshots(lake: Lake, table: Stored) -> set[int]:
    return {snapshot.snapshot_id for snapshot in lake.catalog.load_table(table.name).snapshots()}


@contextmanager
def polled(settings: LakeSettings) -> Iterator[list[tuple[str, set[int], int]]]:
    """What a reader sees who asks for the newest release again and again: its id, its rows' numbers, how many rows."""
    seen: list[tuple[str, set[int], int]] = []
    stop, catalog = threading.Event(), open_catalog(settings)

    def poll() -> None:
        while not stop.is_set():
            pinned = latest_release(catalog)
            assert pinned is not None
            tables = [scan_release(catalog, pinned, table.name) for table in (PEOPLE, SALES)]
            numbers = {int(number or 0) for table in tables for number in table["of_release"].to_pylist()}
            seen.append((pinned.release_id, numbers, sum(table.num_rows for table in tables)))

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        wait_until(lambda: bool(seen), deadline_seconds=60, what="the reader's first look")
        yield seen
        looks = len(seen)
        wait_until(lambda: len(seen) > looks + 1, deadline_seconds=60, what="the reader's last look")
    finally:
        stop.set()
        thread.join()


def test_merged_files_become_a_release_with_the_same_rows_and_a_reader_sees_one_release_at_each_time(
    shop: Shop, lake: Lake, lake_settings: LakeSettings
) -> None:
    shop.publish(1)
    made = shop.publish(2)
    before = hashes(lake, made)
    with polled(lake_settings) as seen:
        report = kept_up(lake)

    newest = release.published(lake.catalog)[0]
    assert (newest.release_id, newest.state, newest.content_of) == (report.release, "compacted", made.release_id)
    assert hashes(lake, newest) == before == hashes(lake, made)
    assert [len(files(lake, table)) for table in (PEOPLE, SALES)] == [1, 1]
    assert {(numbers == {2}, count) for _, numbers, count in seen} == {(True, 2 * FILES)}
    assert {name for name, _, _ in seen} == {made.release_id, newest.release_id}
    figures = report.tables[PEOPLE.name]
    assert (figures.before["files"], figures.after["files"]) == (FILES, 1)
    assert figures.before["bytes"] > figures.after["bytes"] > 0
    assert {name: lake.current_snapshot(name) for name in newest.tables} == newest.tables
    assert kept_up(lake).release is None


def test_merged_files_are_in_the_table_s_order_and_say_nothing_of_personal_columns(shop: Shop, lake: Lake) -> None:
    shop.publish(1)
    kept_up(lake)
    [file] = files(lake, PEOPLE)
    stored = pq.ParquetFile(Path(file.removeprefix("file:").replace("///", "/")))
    emails = [str(email) for email in stored.read()["email"].to_pylist()]
    assert emails == sorted(emails)
    place = stored.schema_arrow.names.index("email")
    assert not stored.metadata.row_group(0).column(place).has_column_index
    assert stored.metadata.row_group(0).column(place).statistics is None
    [task] = lake.catalog.load_table(PEOPLE.name).scan().plan_files()
    bounded = {lake.catalog.load_table(PEOPLE.name).schema().find_column_name(n) for n in task.file.lower_bounds}
    assert bounded == {"id", "of_release"}


def test_a_run_that_began_before_maintenance_publishes_what_it_built(shop: Shop, lake: Lake) -> None:
    shop.publish(1)
    seen = release.head(lake.catalog)
    built = shop.built(2)
    assert kept_up(lake, replace(IMPATIENT, unpublished_age=timedelta(days=1))).release is not None

    release.append(lake.catalog, built, seen)

    newest = latest_release(lake.catalog)
    assert newest is not None
    assert newest.release_id == built.release_id
    assert set(scan_release(lake.catalog, newest, SALES.name)["of_release"].to_pylist()) == {2}


def test_what_a_run_publishes_during_maintenance_stays_the_newest(shop: Shop, lake: Lake) -> None:
    shop.publish(1)
    published = []

    @contextmanager
    def slow_to_start() -> Iterator[Lake]:
        yield lake
        published.append(shop.publish(2))

    report = maintain(lake.catalog, slow_to_start, LIMITS, SystemClock())

    assert report.failures == {}
    assert report.release is None
    newest = latest_release(lake.catalog)
    assert newest is not None
    assert newest.release_id == published[0].release_id
    assert {name: lake.current_snapshot(name) for name in newest.snapshots} == newest.snapshots


def test_releases_end_after_their_time_with_their_snapshots_and_files_and_the_kept_ones_can_be_read(
    shop: Shop, lake: Lake
) -> None:
    first, second, third = (shop.publish(number) for number in (1, 2, 3))

    report = kept_up(lake, IMPATIENT)

    assert report.releases_dropped == [first.release_id]
    assert [row.release_id for row in release.published(lake.catalog)[1:]] == [third.release_id, second.release_id]
    assert snapshots(lake, PEOPLE) >= {second.tables[PEOPLE.name], third.tables[PEOPLE.name]}
    assert first.tables[PEOPLE.name] not in snapshots(lake, PEOPLE)
    for number, row in ((2, second), (3, third)):
        pinned = released(lake.catalog, row.release_id)
        for table in (PEOPLE, SALES):
            assert set(scan_release(lake.catalog, pinned, table.name)["of_release"].to_pylist()) == {number}
    # The second is what a rollback returns to, so it stays until there is another release to return to.
    assert kept_up(lake, IMPATIENT).releases_dropped == []
    shop.publish(4)
    assert kept_up(lake, IMPATIENT).releases_dropped == [third.release_id, second.release_id]


def test_the_branch_of_a_killed_run_is_dropped_and_that_of_a_young_one_is_not(shop: Shop, lake: Lake) -> None:
    shop.publish(1)
    head = shop.built(2).tables[PEOPLE.name]

    kept_up(lake)
    assert "run_2" in lake.catalog.load_table(PEOPLE.name).metadata.refs
    assert head in snapshots(lake, PEOPLE)

    kept_up(lake, replace(LIMITS, unpublished_age=timedelta(0)))
    assert "run_2" not in lake.catalog.load_table(PEOPLE.name).metadata.refs
    assert head not in snapshots(lake, PEOPLE)


def test_the_list_of_releases_is_kept_up_beside_a_run(shop: Shop, lake: Lake) -> None:
    for number in (1, 2, 3):
        release.append(lake.catalog, shop_row(shop, number), release.head(lake.catalog))
    seen = release.head(lake.catalog)
    assert len(state_of(lake.catalog.load_table(RELEASES)).sizes) == 3

    kept_up(lake)

    assert len(state_of(lake.catalog.load_table(RELEASES)).sizes) == 1
    assert len(release.published(lake.catalog)) == 3
    release.append(lake.catalog, shop_row(shop, 4), seen)


def shop_row(shop: Shop, number: int) -> ReleaseRow:
    """A release of no table."""
    shop.clock.advance(timedelta(hours=1))
    return release.new_release(shop.clock.now(), {"gold.none": number}, {})
