import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from shopsphere_kit import lake
from shopsphere_kit.errors import InvalidArgument, NotFound
from shopsphere_kit.lake import Release
from shopsphere_kit.settings import LakeSettings
from shopsphere_local import query
from shopsphere_local.environment import lake_settings as lake_settings_of
from shopsphere_local.settings import LocalSettings, inherited_environment
from shopsphere_local.state import State

NOON = datetime(2017, 1, 1, 12, tzinfo=UTC)
_COLUMNS: dict[str, pa.DataType] = {
    "order_id": pa.string(),
    "total_amount": pa.decimal128(18, 2),
    "ordered_at": pa.timestamp("us", "UTC"),
}
_RELEASE_COLUMNS: dict[str, pa.DataType] = {
    "release_id": pa.string(),
    "created_at": pa.timestamp("us", "UTC"),
    "tables": pa.map_(pa.string(), pa.int64()),
}
AMOUNTS, RELEASES = pa.schema(_COLUMNS), pa.schema(_RELEASE_COLUMNS)
TOTAL = "select sum(total_amount) as total from gold.fact_order"


def rows(*amounts: str) -> pa.Table:
    return pa.Table.from_pylist(
        [{"order_id": "1", "total_amount": Decimal(amount), "ordered_at": NOON} for amount in amounts], AMOUNTS
    )


@pytest.fixture
def catalog(lake_settings: LakeSettings) -> Catalog:
    return lake.open_catalog(lake_settings)


@pytest.fixture
def release(catalog: Catalog) -> Release:
    return publish(catalog)


def publish(catalog: Catalog) -> Release:
    """Make a release that is followed by more rows, which nobody who reads the release may see."""
    catalog.create_namespace("gold")
    table = catalog.create_table("gold.fact_order", AMOUNTS)
    table.append(rows("1.10", "2.20"))
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.append(rows("100.00"))
    return Release("R1", NOON, {"gold.fact_order": snapshot.snapshot_id})


def test_duckdb_sees_the_release_and_nothing_later(catalog: Catalog, release: Release) -> None:
    assert query.run(catalog, release, TOTAL).to_pylist() == [{"total": Decimal("3.30")}]


def test_duckdb_answers_with_times_in_utc(catalog: Catalog, release: Release) -> None:
    latest = "select max(ordered_at)::text as latest, max(hour(ordered_at)) as hour from gold.fact_order"
    answer = query.run(catalog, release, latest)
    assert answer.to_pylist() == [{"latest": "2017-01-01 12:00:00", "hour": 12}]


def test_a_wrong_query_is_answered_with_the_tables_there_are(catalog: Catalog, release: Release) -> None:
    with pytest.raises(InvalidArgument, match=r"(?s)fact_ordr.*tables of R1: gold\.fact_order"):
        query.run(catalog, release, "select 1 from gold.fact_ordr")


def test_a_release_that_was_dropped_is_answered_with_the_remedy(catalog: Catalog, release: Release) -> None:
    with pytest.raises(NotFound, match="R0 never was, or its time to be read is over; `python -m transform releases`"):
        query.pinned(catalog, "R0")
    gone = Release("R0", NOON, {"gold.fact_order": 1})
    with pytest.raises(NotFound, match=r"R0 can no longer be read: the snapshot of gold\.fact_order has expired"):
        query.run(catalog, gone, TOTAL)


def test_without_a_release_the_remedy_is_named(catalog: Catalog) -> None:
    with pytest.raises(NotFound, match="shopsphere demo"):
        query.pinned(catalog, None)


@pytest.mark.parametrize("sql", ['select * from "gold"."dim_users"', "select * from GOLD.Dim_Users u"])
def test_a_table_is_found_in_a_query_however_it_is_written(sql: str) -> None:
    assert query.mentioned(sql, ["gold.dim_users", "gold.dim_user", "silver.dim_users"]) == ["gold.dim_users"]


@pytest.mark.servers
def test_spark_answers_the_same_on_the_command_line(tmp_path: Path) -> None:
    state = State(tmp_path / "the state")
    state.prepare()
    state.cache.rmdir()
    state.cache.symlink_to(State(LocalSettings().state_dir).cache, target_is_directory=True)
    catalog = lake.open_catalog(lake_settings_of(state))
    made = publish(catalog)
    catalog.create_table(lake.RELEASES, RELEASES).append(
        pa.Table.from_pylist(
            [{"release_id": made.release_id, "created_at": NOON, "tables": list(made.snapshots.items())}], RELEASES
        )
    )
    command = [sys.executable, "-m", "shopsphere_local", "sql", "--engine", "spark", "--format", "json", TOTAL]
    env = inherited_environment() | {"SHOPSPHERE_STATE_DIR": str(state.root)}
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert result.stdout == '{"total": "3.30"}\n', result.stderr
