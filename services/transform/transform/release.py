"""Releases: all tables become visible together, at the moment a row is appended to gold.releases.

Every table is written to the branch of the run, and the snapshots that it wrote are checked. Publishing appends the
release, which names the snapshot of every table; then the main branches move to those snapshots, for whoever pins
nothing. Readers pin, so a crash before the row leaves them on the last release, and nobody ever sees a mix. Of two
runs that overlap the first to append wins: the row is appended only while the newest content is what the run saw when
it began. A row may show the content of an earlier one again: after a rollback, or in other files after maintenance.
Each row knows the one before it, so that rolling back twice goes two back.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.expressions import In
from pyiceberg.table import Table as PyIcebergTable
from shopsphere_kit.lake import RELEASES
from shopsphere_kit.logging import get_logger

from transform.errors import Superseded
from transform.storage import move_main

PUBLISHED, ROLLED_BACK, COMPACTED = "published", "rolled_back", "compacted"
_SNAPSHOTS = pa.map_(pa.string(), pa.int64())
_COLUMNS: dict[str, pa.DataType] = {
    "release_id": pa.string(),
    "created_at": pa.timestamp("us", tz="UTC"),
    "tables": _SNAPSHOTS,
    "consumed": _SNAPSHOTS,
    "state": pa.string(),
    "counts": pa.map_(pa.string(), pa.int64()),
    "logic": pa.string(),
    "previous": pa.string(),
    "content_of": pa.string(),
    "rolled_back_from": pa.string(),
}
SCHEMA = pa.schema(_COLUMNS)
_MAPS = ("tables", "consumed", "counts")
# A commit that is tried again goes onto whatever came in between; here it has to be looked at first.
_NO_RETRY = {"commit.retry.num-retries": "0"}
_SUPERSEDED = "another run published a release while this one was building; nothing was published, run again"
# Maintenance of gold.releases itself may come in between, but not so often.
_ATTEMPTS_MAX = 20
# Every release is a file of its own, and all of them are read several times a run: at 3.6 ms each, a tenth of a second.
_FILES_MAX = 32

log = get_logger(__name__)


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
    previous: str | None = None
    """The release that a rollback of this one returns to; `append` fills it in for what a run built."""
    content_of: str | None = None
    """The release that first had these rows, when this is not it."""
    rolled_back_from: str | None = None

    @property
    def content(self) -> str:
        """The release that first had the rows of this one: equal for two releases that differ in files alone."""
        return self.content_of or self.release_id


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


def moment_after(newest: ReleaseRow, now: datetime) -> datetime:
    """Now, or a second after the newest release when the clock is behind it: the newest is the one created last."""
    return max(now, newest.created_at + timedelta(seconds=1))


def head(catalog: Catalog) -> str | None:
    """What readers see: the newest release by its content, None before the first. Only `append` looks into it."""
    return next((row.content for row in published(catalog)), None)


def append(catalog: Catalog, release: ReleaseRow, seen: str | None) -> None:
    """Publish: from this commit on the release is the newest. Raises Superseded unless `seen` is still the head."""
    for _ in range(_ATTEMPTS_MAX):
        table = _releases(catalog)
        rows = _rows(table)
        newest = rows[0] if rows else None
        if (newest.content if newest else None) != seen:
            raise Superseded(_SUPERSEDED)
        if release.state == ROLLED_BACK and all(row.tables != release.tables for row in rows):
            raise Superseded("the release was dropped while it was returned to; its snapshots may be gone")
        row = asdict(release)
        if newest:
            # Readers take the newest by time, whatever the clock of the machine that builds it says.
            row["created_at"] = max(release.created_at, newest.created_at + timedelta(microseconds=1))
            row["previous"] = newest.release_id if release.state == PUBLISHED else release.previous
        row |= {name: list(row[name].items()) for name in _MAPS}
        try:
            _add(table, pa.Table.from_pylist([row], schema=SCHEMA))
        except CommitFailedException:
            continue
        return
    raise Superseded(_SUPERSEDED)


def _add(table: PyIcebergTable, row: pa.Table) -> None:
    """One commit; one that finds many files makes one file of them."""
    snapshot = table.current_snapshot()
    summary = snapshot.summary if snapshot else None
    if summary is None or int(summary["total-data-files"] or 0) < _FILES_MAX:
        table.append(row)
    else:
        table.overwrite(pa.concat_tables([table.scan().to_arrow().cast(SCHEMA), row]))


def _releases(catalog: Catalog) -> PyIcebergTable:
    catalog.create_namespace_if_not_exists(RELEASES.split(".")[0])
    table = catalog.create_table_if_not_exists(RELEASES, schema=SCHEMA, properties=_NO_RETRY)
    lacking = set(SCHEMA.names) - set(table.schema().column_names)
    if lacking or not _NO_RETRY.items() <= table.properties.items():
        with table.transaction() as change:
            change.set_properties(_NO_RETRY)
            with change.update_schema() as schema:
                schema.union_by_name(SCHEMA)
    return table


def newest(catalog: Catalog) -> ReleaseRow | None:
    """The release that readers see, with all that the next run needs to know; None before the first."""
    return next(iter(published(catalog)), None)


def published(catalog: Catalog) -> list[ReleaseRow]:
    """All releases, newest first."""
    try:
        return _rows(catalog.load_table(RELEASES))
    except NoSuchTableError:
        return []


def _rows(table: PyIcebergTable) -> list[ReleaseRow]:
    rows = table.scan().to_arrow().to_pylist()
    releases = [_release_of(row) for row in rows]
    return sorted(releases, key=lambda release: (release.created_at, release.release_id), reverse=True)


def _release_of(row: dict[str, Any]) -> ReleaseRow:
    # Releases of before a column was added have nothing in it.
    maps = {name: dict(row.get(name) or {}) for name in _MAPS}
    return ReleaseRow(**{**row, **maps, "logic": row.get("logic") or ""})


def previous_of(rows: Sequence[ReleaseRow], of: ReleaseRow) -> str | None:
    """The release that stood before one of the rows, which are newest first."""
    if of.previous or of.state != PUBLISHED:
        return of.previous
    # Rows that were written before there was a column for it follow each other in time.
    older = [row.release_id for row in rows if (row.created_at, row.release_id) < (of.created_at, of.release_id)]
    return older[0] if older else None


def drop(catalog: Catalog, kept: Callable[[list[ReleaseRow]], list[ReleaseRow]]) -> list[str]:
    """Take the rows that are not kept out of gold.releases, so that nobody finds them any more; their ids."""
    for _ in range(_ATTEMPTS_MAX):
        if not catalog.table_exists(RELEASES):
            return []
        table = _releases(catalog)
        rows = _rows(table)
        stay = {row.release_id for row in kept(rows)}
        going = [row.release_id for row in rows if row.release_id not in stay]
        try:
            if going:
                table.delete(In(term="release_id", literals=set(going)))
        except CommitFailedException:
            continue
        return going
    return []


def settle(catalog: Catalog) -> None:
    """Let the main branches be the newest release, also one whose run ended right after it was published."""
    newest = next(iter(published(catalog)), None)
    for table, snapshot in (newest.tables if newest else {}).items():
        try:
            move_main(catalog, table, snapshot)
        except (CommitFailedException, NoSuchTableError):
            # Another run is settling the same, or the table is no more; whoever pins a release does not read main.
            log.warning("main was left behind", table=table, snapshot=snapshot)
