"""One SQL query over the tables of one release, by DuckDB."""

import re
from collections.abc import Iterable

import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog
from shopsphere_kit import lake
from shopsphere_kit.errors import InvalidArgument, NotFound
from shopsphere_kit.lake import Release

# DuckDB would fetch extensions from the network at will.
_OFFLINE: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def pinned(catalog: Catalog, release_id: str | None) -> Release:
    """Return the named release, or the newest; raises NotFound when there is none."""
    found = lake.release(catalog, release_id) if release_id else lake.latest_release(catalog)
    if found is None:
        raise NotFound("no release has been published yet; `shopsphere demo` publishes one", field="release")
    return found


def mentioned(sql: str, tables: Iterable[str]) -> list[str]:
    """Return those of the tables ("gold.fact_order") whose name stands in the query, with or without quotes."""
    plain = sql.replace('"', "").replace("`", "").lower()
    return [table for table in tables if re.search(rf"\b{re.escape(table)}\b", plain)]


def run(catalog: Catalog, release: Release, sql: str) -> pa.Table:
    """Return the answer, with times as UTC without a zone.

    Raises InvalidArgument with DuckDB's message when it does not understand the query, and NotFound when the release
    can no longer be read.
    """
    with duckdb.connect(config=_OFFLINE) as connection:
        for schema in (lake.SILVER, lake.GOLD):
            connection.execute(f"create schema {schema}")
        if mentioned(sql, [lake.RELEASES]):
            connection.register("scan_releases", _in_utc(catalog.load_table(lake.RELEASES).scan().to_arrow()))
            connection.execute(f"create view {lake.RELEASES} as from scan_releases")
        for table in mentioned(sql, release.snapshots):
            scan = f"scan_{table.replace('.', '_')}"
            connection.register(scan, _in_utc(lake.scan_release(catalog, release, table)))
            connection.execute(f"create view {table} as from {scan}")
        try:
            answer = connection.sql(sql)
            return answer.to_arrow_table() if answer is not None else pa.table({})
        except duckdb.Error as error:
            known = ", ".join(sorted(release.snapshots))
            raise InvalidArgument(f"{error}\ntables of {release.release_id}: {known}", field="query") from error


def _in_utc(table: pa.Table) -> pa.Table:
    # DuckDB calculates with zoned times only through an extension that its wheel lacks.
    plain = [
        field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field for field in table.schema
    ]
    return table.cast(pa.schema(plain))
