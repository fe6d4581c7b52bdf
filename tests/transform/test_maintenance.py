"""Maintenance of bronze by a real Spark, beside ingest's own writer."""

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from file_builders import TABLE as SHOP
from file_builders import Shop
from ingest.batch import Batch, Chunk
from ingest.iceberg_tables import IcebergTables
from ingest.position import KafkaPosition, kafka_row
from ingest.sink import IcebergSink
from ingest.tables import QUARANTINE
from ingest_builders import bronze, bronze_tables
from maintenance_builders import PEOPLE, TABLE, Writer, people
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.file_sizes import files_allowed
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until
from transform import release, session
from transform.maintenance import Report, maintain
from transform.storage import Lake
from transform.table_state import state_of
from transform.upkeep import Limits

pytestmark = pytest.mark.servers
OTHER = "bronze_postgres__pets"
LIMITS = Limits()
# Snapshots expire as soon as they are not among the last ten, however young.
IMPATIENT = replace(LIMITS, snapshot_age=timedelta(0), snapshot_age_min=timedelta(0), sweep_every=timedelta(0))
LONG_AGO = timedelta(days=4).total_seconds()


@pytest.fixture
def writer(lake_settings: LakeSettings) -> Writer:
    return Writer(lake_settings)


def kept_up(lake: Lake, limits: Limits = LIMITS, seconds: float | None = None) -> Report:
    return maintain(lake.catalog, lambda: nullcontext(lake), limits, SystemClock(), seconds)


def no_spark() -> AbstractContextManager[Lake]:
    raise AssertionError("nothing is due, so Spark must not start")


def stored(catalog: Catalog, table: str = TABLE) -> Table:
    return catalog.load_table(f"bronze.{table}")


def live(table: Table) -> list[str]:
    """The path of every live data file, as often as a manifest names it."""
    return [task.file.file_path for task in table.scan().plan_files()]


def local(path: str) -> Path:
    return Path(path.removeprefix("file:").replace("///", "/"))  # PyIceberg writes file:///a, Java file:/a


def assert_as_written(settings: LakeSettings, writer: Writer) -> None:
    """Every row that was appended is there once, with its values and its position, and so is every rejected record."""
    expected = people(0, writer.rows).to_pylist()
    found = [{name: row[name] for name in PEOPLE.names} for row in bronze(settings, writer.table)]
    assert found == sorted(expected, key=lambda row: str(row["_position"]))
    rejected = Counter(str(row["position"]) for row in bronze(settings, QUARANTINE))
    assert rejected == Counter(kafka_row(0, index) for index in range(0, writer.rows, 3) if index % 2)
    assert bronze_tables(settings).position(writer.table) == writer.position


def assert_few_files(table: Table) -> None:
    for sizes in state_of(table).files.values():
        assert len(sizes) <= files_allowed(sum(sizes), LIMITS.file_bytes)


def test_rows_position_and_writer_survive_maintenance_that_runs_beside_it(
    lake: Lake, lake_settings: LakeSettings, writer: Writer
) -> None:
    writer.append(12)
    with writer.writing():
        for _ in range(2):
            begun = writer.rows
            assert kept_up(lake, IMPATIENT).failures == {}
            wait_until(
                lambda before=begun: bool(writer.trouble) or writer.rows > before,  # type: ignore[misc]
                deadline_seconds=60,
                what="the writer to commit beside maintenance",
            )
    assert writer.trouble == []
    assert_as_written(lake_settings, writer)

    last = kept_up(lake, IMPATIENT)

    assert last.failures == {}
    assert_as_written(lake_settings, writer)
    for name in (TABLE, QUARANTINE):
        table = stored(lake.catalog, name)
        assert_few_files(table)
        assert len(live(table)) == len(set(live(table)))
    assert last.tables[f"bronze.{TABLE}"].after["files"] == 2
    writer.append()
    assert_as_written(lake_settings, writer)


def test_a_table_of_files_is_kept_up_too(lake: Lake, lake_settings: LakeSettings, tmp_path: Path) -> None:
    shop = Shop(lake_settings, tmp_path)
    for number in range(12):
        shop.write(f"{number}.csv", f"id\n{number}\n")
        shop.load()
    assert kept_up(lake).failures == {}
    assert sorted(int(str(value)) for value in shop.column("id")) == list(range(12))
    assert_few_files(stored(lake.catalog, SHOP))


def test_two_maintenance_runs_at_once_do_no_harm(lake: Lake, lake_settings: LakeSettings, writer: Writer) -> None:
    writer.append(12)
    own = session.on_lake(lake.spark, lake_settings)
    second = Lake(lambda: own, open_catalog(lake_settings), lake.name)
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(kept_up, (lake, second)))
    assert [report.failures for report in reports] == [{}, {}]
    assert_as_written(lake_settings, writer)
    assert_few_files(stored(lake.catalog))
    assert len(live(stored(lake.catalog))) == 2


def test_an_idle_lake_starts_no_spark(lake: Lake, writer: Writer) -> None:
    assert maintain(lake.catalog, no_spark, LIMITS, SystemClock()).tables == {}
    writer.append(2)
    first = kept_up(lake)
    again = maintain(lake.catalog, no_spark, LIMITS, SystemClock())
    assert {name: done.before for name, done in again.tables.items()} == {
        name: done.after for name, done in first.tables.items()
    }


def test_a_run_out_of_time_says_what_is_left_and_the_next_one_goes_on_there(
    lake: Lake, lake_settings: LakeSettings, writer: Writer
) -> None:
    writer.append(4)
    Writer(lake_settings, OTHER).append(2)
    report = kept_up(lake, seconds=0)
    assert report.left == [f"bronze.{OTHER}", f"bronze.{QUARANTINE}"]
    assert len(live(stored(lake.catalog))) == 2
    assert len(live(stored(lake.catalog, OTHER))) == 4
    assert kept_up(lake).left == []
    assert len(live(stored(lake.catalog, OTHER))) == 2


def test_personal_columns_have_no_statistics_after_a_rewrite(lake: Lake, writer: Writer) -> None:
    writer.append(3)
    kept_up(lake)
    table = stored(lake.catalog)
    counted = {"_op", "_position", "_committed_at", "_ingested_at"}
    for task in table.scan().plan_files():
        bounds = {table.schema().find_column_name(number) for number in task.file.lower_bounds or {}}
        assert bounds == counted
        assert footer_statistics(local(task.file.file_path)) == counted


def footer_statistics(file: Path) -> set[str]:
    """The columns of which the footer or the page index of a Parquet file holds a value."""
    metadata = pq.ParquetFile(file).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    names = pq.ParquetFile(file).schema_arrow.names
    assert len(columns) == len(names) * len(groups)
    return {
        names[place % len(names)]
        for place, column in enumerate(columns)
        if column.has_column_index or (column.statistics is not None and column.statistics.has_min_max)
    }


def test_old_files_that_nobody_names_go_and_all_others_stay(
    lake: Lake, lake_settings: LakeSettings, writer: Writer
) -> None:
    writer.append(3)
    table = stored(lake.catalog)
    named = [local(path) for path in live(table)]
    orphan = named[0].with_name("left-by-a-crash.parquet")
    shutil.copy(named[0], orphan)
    lost_manifest = local(table.location()) / "metadata" / "left-by-a-crash.avro"
    lost_manifest.write_bytes(b"")
    age(*(path for path in local(table.location()).rglob("*") if path.is_file()))
    sink = IcebergSink(IcebergTables(open_catalog(lake_settings)), SystemClock())
    staged = sink.stage(Batch(TABLE, "scripted", [Chunk(people(writer.rows))], KafkaPosition()))

    report = kept_up(lake)

    assert report.tables[f"bronze.{TABLE}"].orphans_removed == 2
    assert not orphan.exists()
    assert not lost_manifest.exists()
    assert all(path.exists() for path in named)  # a snapshot that has not expired names them
    sink.commit(TABLE, [staged], expected=writer.position, position=str(writer.rows + 3))
    assert len(bronze(lake_settings, TABLE)) == writer.rows + 3


def age(*files: Path) -> None:
    for file in files:
        old = file.stat().st_mtime - LONG_AGO
        os.utime(file, (old, old))


def test_a_reader_of_a_snapshot_that_has_not_expired_sees_what_it_saw(lake: Lake, writer: Writer) -> None:
    writer.append(12)
    before = stored(lake.catalog).current_snapshot()
    assert before is not None
    writer.append(1)
    kept_up(lake, IMPATIENT)
    table = stored(lake.catalog)
    assert len(table.snapshots()) < 13
    rows = table.scan(snapshot_id=before.snapshot_id).to_arrow()
    assert sorted(map(str, rows["_position"].to_pylist())) == [kafka_row(0, index) for index in range(36)]


def test_the_snapshots_that_the_next_run_will_read_stay(lake: Lake, writer: Writer) -> None:
    writer.append(14)
    numbers = [snapshot.snapshot_id for snapshot in stored(lake.catalog).snapshots()]
    consumed = {f"bronze.{TABLE}": numbers[2]}
    release.append(lake.catalog, release.new_release(SystemClock().now(), {}, consumed), None)
    kept_up(lake, replace(LIMITS, snapshots_max=2, snapshot_age_min=timedelta(0)))
    left = {snapshot.snapshot_id for snapshot in stored(lake.catalog).snapshots()}
    assert left >= set(numbers[2:])
    assert not left & set(numbers[:2])


def test_files_that_only_expired_snapshots_name_are_removed(lake: Lake, writer: Writer) -> None:
    writer.append(2)
    merged_away = [local(path) for path in live(stored(lake.catalog))]
    kept_up(lake)
    assert all(path.exists() for path in merged_away)
    writer.append(12)
    kept_up(lake, IMPATIENT)
    assert not any(path.exists() for path in merged_away)


def test_a_table_that_cannot_be_read_is_named_and_the_others_are_kept_up(
    lake: Lake, lake_settings: LakeSettings, writer: Writer
) -> None:
    writer.append(3)
    Writer(lake_settings, OTHER).append(2)
    local(live(stored(lake.catalog))[0]).unlink()
    report = kept_up(lake)
    assert list(report.failures) == [f"bronze.{TABLE}"]
    assert "CompactionIncomplete" in report.failures[f"bronze.{TABLE}"]
    assert len(live(stored(lake.catalog, OTHER))) == 2


def test_larger_files_are_merged_until_each_has_its_share(lake: Lake, writer: Writer) -> None:
    writer.append(12)
    size = max(size for sizes in state_of(stored(lake.catalog)).files.values() for size in sizes)
    limits = replace(LIMITS, file_bytes=2 * size)
    assert kept_up(lake, limits).failures == {}
    for sizes in state_of(stored(lake.catalog)).files.values():
        assert len(sizes) <= files_allowed(sum(sizes), limits.file_bytes)
