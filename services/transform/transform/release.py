"""Releases: all tables become visible together, at the moment a row is appended to gold.releases.

Every table is written to its audit branch and checked there. Publishing moves the main branches forward one by one
and then appends the release, which names the snapshot of every table. Readers pin those snapshots, so a crash
before the row leaves them on the last release, and nobody ever sees a mix.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import RELEASES

PUBLISHED = "published"
_SNAPSHOTS = pa.map_(pa.string(), pa.int64())
_COLUMNS: dict[str, pa.DataType] = {
    "release_id": pa.string(),
    "created_at": pa.timestamp("us", tz="UTC"),
    "tables": _SNAPSHOTS,
    "consumed": _SNAPSHOTS,
    "state": pa.string(),
}
SCHEMA = pa.schema(_COLUMNS)


@dataclass(frozen=True)
class ReleaseRow:
    """One row of gold.releases: the snapshots that belong together, and those of bronze they were built from."""

    release_id: str
    created_at: datetime
    tables: Mapping[str, int]
    consumed: Mapping[str, int]
    state: str = PUBLISHED


def new_release(created_at: datetime, tables: Mapping[str, int], consumed: Mapping[str, int]) -> ReleaseRow:
    """A release of these snapshots; its id is the time and six hex digits of the snapshots' hash."""
    digest = hashlib.sha256(json.dumps(dict(tables), sort_keys=True).encode()).hexdigest()[:6]
    return ReleaseRow(f"R{created_at:%Y%m%dT%H%M%SZ}-{digest}", created_at, tables, consumed)


def append(catalog: Catalog, release: ReleaseRow) -> None:
    """Publish: from this commit on the release is the newest."""
    catalog.create_namespace_if_not_exists(RELEASES.split(".")[0])
    row = {
        "release_id": release.release_id,
        "created_at": release.created_at,
        "tables": list(release.tables.items()),
        "consumed": list(release.consumed.items()),
        "state": release.state,
    }
    catalog.create_table_if_not_exists(RELEASES, schema=SCHEMA).append(pa.Table.from_pylist([row], schema=SCHEMA))


def published(catalog: Catalog) -> list[ReleaseRow]:
    """All releases, newest first."""
    if not catalog.table_exists(RELEASES):
        return []
    rows = catalog.load_table(RELEASES).scan().to_arrow().to_pylist()
    releases = [ReleaseRow(**{**row, "tables": dict(row["tables"]), "consumed": dict(row["consumed"])}) for row in rows]
    return sorted(releases, key=lambda release: (release.created_at, release.release_id), reverse=True)
