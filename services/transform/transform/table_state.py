"""What the metadata of a table says about it: numbers for `upkeep.py`, found without Spark and without reading data."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.refs import SnapshotRefType
from shopsphere_kit.lake import BRONZE, RELEASES

from transform import retention
from transform.release import ReleaseRow
from transform.upkeep import Limits, State

SWEPT_PROPERTY = "shopsphere.orphans-removed-at"
_MAIN = "main"


def is_released(name: str) -> bool:
    """Whether releases name the snapshots of the table: all of silver and gold, but the list of releases itself."""
    return not name.startswith(f"{BRONZE}.") and name != RELEASES


def state_for(name: str, table: Table, releases: Sequence[ReleaseRow], limits: Limits, now: datetime) -> State:
    """The table as its metadata has it, with what the releases that can be read, newest first, need of it."""
    state, moments = state_of(table), _moments(table)
    if not is_released(name):
        consumed = releases[0].consumed.get(name) if releases else None
        return replace(state, needed_from=moments.get(consumed) if consumed is not None else None)
    of_releases = retention.named(releases, name)
    branches = {
        name: reference.snapshot_id
        for name, reference in table.metadata.refs.items()
        if reference.snapshot_ref_type == SnapshotRefType.BRANCH and name != _MAIN
    }
    left = retention.left_behind(branches, moments, of_releases, limits.unpublished_age, now)
    heads = {reference.snapshot_id for name, reference in table.metadata.refs.items() if name not in left}
    unneeded = retention.expirable(moments, of_releases | heads, limits.unpublished_age, now)
    return replace(state, unneeded=unneeded, left_branches=left)


def state_of(table: Table) -> State:
    """The table as its metadata has it."""
    manifests = _live_manifests(table)
    files = defaultdict[str, list[int]](list)
    for manifest in manifests:
        for entry in manifest.fetch_manifest_entry(table.io):
            files[f"{manifest.partition_spec_id}/{entry.data_file.partition}"].append(
                entry.data_file.file_size_in_bytes
            )
    moments = _moments(table)
    named = {reference.snapshot_id for reference in table.metadata.refs.values()}
    swept = table.properties.get(SWEPT_PROPERTY)
    return State(
        files=files,
        manifests=len(manifests),
        snapshots=list(moments.values()),
        named_snapshots=[moment for number, moment in moments.items() if number in named],
        swept_at=datetime.fromisoformat(swept) if swept else None,
    )


def _moments(table: Table) -> Mapping[int, datetime]:
    return {
        snapshot.snapshot_id: datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
        for snapshot in table.snapshots()
    }


def _live_manifests(table: Table) -> list[ManifestFile]:
    snapshot = table.current_snapshot()
    # A manifest of deleted files alone falls away with the next commit.
    return [
        manifest
        for manifest in (snapshot.manifests(table.io) if snapshot else ())
        if manifest.content == ManifestContent.DATA and (manifest.has_added_files() or manifest.has_existing_files())
    ]
