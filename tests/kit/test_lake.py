"""Both sides open the same catalog, and a reader pinned to a release sees that release alone."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from shopsphere_kit.errors import NotFound
from shopsphere_kit.lake import (
    latest_release,
    open_catalog,
    personal_columns_properties,
    release,
    scan_release,
    spark_catalog_conf,
)
from shopsphere_kit.settings import LakeSettings

MORNING, NOON = datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)
COLUMNS: dict[str, Any] = {
    "release_id": pa.string(),
    "created_at": pa.timestamp("us", tz="UTC"),
    "tables": pa.map_(pa.string(), pa.int64()),
}
RELEASES = pa.schema(COLUMNS)


@pytest.fixture
def catalog(lake_settings: LakeSettings) -> Catalog:
    catalog = open_catalog(lake_settings)
    catalog.create_namespace("gold")
    return catalog


def append(catalog: Catalog, name: str, rows: pa.Table) -> int:
    table = catalog.create_table_if_not_exists(name, rows.schema)
    table.append(rows)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    return snapshot.snapshot_id


def publish(catalog: Catalog, release_id: str, at: datetime, snapshots: dict[str, int]) -> None:
    row = {"release_id": release_id, "created_at": at, "tables": list(snapshots.items())}
    append(catalog, "gold.releases", pa.Table.from_pylist([row], schema=RELEASES))


def test_there_is_no_release_before_the_first(catalog: Catalog) -> None:
    assert latest_release(catalog) is None


def test_a_pinned_reader_does_not_see_what_was_written_later(catalog: Catalog) -> None:
    first = append(catalog, "gold.dim", pa.table({"key": [1]}))
    publish(catalog, "R1", MORNING, {"gold.dim": first})
    append(catalog, "gold.dim", pa.table({"key": [2]}))
    pinned = latest_release(catalog)
    assert pinned is not None
    assert scan_release(catalog, pinned, "gold.dim")["key"].to_pylist() == [1]


def test_the_newest_release_is_the_latest_and_older_ones_stay_readable(catalog: Catalog) -> None:
    first = append(catalog, "gold.dim", pa.table({"key": [1]}))
    second = append(catalog, "gold.dim", pa.table({"key": [2]}))
    publish(catalog, "R2", NOON, {"gold.dim": second})
    publish(catalog, "R1", MORNING, {"gold.dim": first})
    latest = latest_release(catalog)
    assert latest is not None
    assert latest.release_id == "R2"
    assert scan_release(catalog, release(catalog, "R1"), "gold.dim", ("key",)).num_rows == 1


def test_a_release_nobody_published_is_not_found(catalog: Catalog) -> None:
    with pytest.raises(NotFound, match="R9"):
        release(catalog, "R9")


def settings(uri: str, **more: str) -> LakeSettings:
    return LakeSettings(catalog_uri=uri, warehouse="file:///w", **more)  # type: ignore[arg-type]


def test_spark_opens_a_sqlite_file_whose_path_has_a_space() -> None:
    conf = spark_catalog_conf(settings("sqlite:////a b/catalog.db"))
    assert conf["spark.sql.catalog.shopsphere.uri"].startswith("jdbc:sqlite:file:/a%20b/catalog.db?busy_timeout=")


def test_spark_gets_the_postgres_catalog_with_its_credentials() -> None:
    conf = spark_catalog_conf(settings("postgresql+psycopg2://ann:pw@db:5432/lake"))
    assert conf["spark.sql.catalog.shopsphere.uri"] == "jdbc:postgresql://db:5432/lake?user=ann&password=pw"


def test_spark_gets_the_rest_catalog_and_its_store() -> None:
    conf = spark_catalog_conf(settings("http://rest:8181", catalog_type="rest", s3_endpoint="http://s3:9000"))
    assert conf["spark.sql.catalog.shopsphere.type"] == "rest"
    assert conf["spark.sql.catalog.shopsphere.client.region"] == "us-east-1"


def test_a_catalog_address_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="SHOPSPHERE_LAKE_CATALOG_URI"):
        spark_catalog_conf(settings("mysql://db/lake"))


def test_personal_columns_carry_no_statistics() -> None:
    assert personal_columns_properties(["email"]) == {"write.metadata.metrics.column.email": "none"}
