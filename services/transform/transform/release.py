"""Releases: all tables become visible together, at the moment a row is appended to gold.releases.

Every table is written to the branch of the run, and the snapshots that it wrote are checked. Publishing appends the
release, which names the snapshot of every table; then the main branches move to those snapshots, for whoever pins
nothing. Readers pin, so a crash before the row leaves them on the last release, and nobody ever sees a mix. Of two
runs that overlap the first to append wins: the row is appended only onto the row that the run saw when it began.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as PyIcebergTable
from shopsphere_kit.lake import RELEASES

from transform.errors import Superseded

PUBLISHED = "published"
_SNAPSHOTS = pa.map_(pa.string(), pa.int64())
_COLUMNS: dict[str, pa.DataType] = {
    "release_id": pa.string(),
    "created_at": pa.timestamp("us", tz="UTC"),
    "tables": _SNAPSHOTS,
    "consumed": _SNAPSHOTS,
    "state": pa.string(),
    "counts": pa.map_(pa.string(), pa.int64()),
    "logic": pa.string(),
}
SCHEMA = pa.schema(_COLUMNS)
# A commit that is tried again goes onto whatever came in between; here it has to fail instead.
_NO_RETRY = {"commit.retry.num-retries": "0"}
_SUPERSEDED = "another run published a release while this one was building; nothing was published, run again"


@dataclass(frozen=True)
class ReleaseRow:
    """One row of gold.releases: the snapshots that belong together, and those of bronze they were built from."""

    release_id: str
    created_at: datetime
    tables: Mapping[str, int]
    consumed: Mapping[str, int]
    state: str = PUBLISHED
    counts: Mapping[str, int] = field(default_factory=dict)
    """How much there is of everything, as `counts.py` writes it down; the next run adds what it changes."""
    logic: str = ""
    """The fingerprint of the rules by which the tables were built."""


def new_release(
    created_at: datetime,
    tables: Mapping[str, int],
    consumed: Mapping[str, int],
    *,
    counts: Mapping[str, int] | None = None,
    logic: str = "",
) -> ReleaseRow:
    """A release of these snapshots; its id is the time and six hex digits of the snapshots' hash."""
    digest = hashlib.sha256(json.dumps(dict(tables), sort_keys=True).encode()).hexdigest()[:6]
    name = f"R{created_at:%Y%m%dT%H%M%SZ}-{digest}"
    return ReleaseRow(name, created_at, tables, consumed, counts=counts or {}, logic=logic)


def head(catalog: Catalog) -> int | None:
    """The state of gold.releases: its newest snapshot, None before the first release."""
    if not catalog.table_exists(RELEASES):
        return None
    snapshot = catalog.load_table(RELEASES).current_snapshot()
    return snapshot.snapshot_id if snapshot else None


def append(catalog: Catalog, release: ReleaseRow, seen: int | None) -> None:
    """Publish: from this commit on the release is the newest. Raises Superseded unless `seen` is still the head."""
    row = {
        "release_id": release.release_id,
        "created_at": release.created_at,
        "tables": list(release.tables.items()),
        "consumed": list(release.consumed.items()),
        "state": release.state,
        "counts": list(release.counts.items()),
        "logic": release.logic,
    }
    table = _releases(catalog)
    snapshot = table.current_snapshot()
    if (snapshot.snapshot_id if snapshot else None) != seen:
        raise Superseded(_SUPERSEDED)
    try:
        table.append(pa.Table.from_pylist([row], schema=SCHEMA))
    except CommitFailedException as error:
        raise Superseded(_SUPERSEDED) from error


def _releases(catalog: Catalog) -> PyIcebergTable:
    catalog.create_namespace_if_not_exists(RELEASES.split(".")[0])
    table = catalog.create_table_if_not_exists(RELEASES, schema=SCHEMA, properties=_NO_RETRY)
    if not _NO_RETRY.items() <= table.properties.items():
        with table.transaction() as change:
            change.set_properties(_NO_RETRY)
    if missing := set(SCHEMA.names) - set(table.schema().column_names):
        with table.update_schema() as update:
            update.union_by_name(SCHEMA)
        return _releases(catalog) if missing else table
    return table


def newest(catalog: Catalog) -> ReleaseRow | None:
    """The release that readers see, with all that the next run needs to know; None before the first."""
    return next(iter(published(catalog)), None)


def published(catalog: Catalog) -> list[ReleaseRow]:
    """All releases, newest first."""
    if not catalog.table_exists(RELEASES):
        return []
    rows = catalog.load_table(RELEASES).scan().to_arrow().to_pylist()
    releases = [_release_of(row) for row in rows]
    return sorted(releases, key=lambda release: (release.created_at, release.release_id), reverse=True)


def _release_of(row: dict[str, Any]) -> ReleaseRow:
    # Releases of before a column was added have nothing in it.
    maps = {name: dict(row.get(name) or {}) for name in ("tables", "consumed", "counts")}
    return ReleaseRow(**{**row, **maps, "logic": row.get("logic") or ""})
