"""What bronze gained since a release took it in, as its metadata says; no rows are read."""

from collections.abc import Mapping
from itertools import takewhile

from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Operation, Snapshot

from transform.ancestry import newest_first
from transform.logic import fingerprint
from transform.release import ReleaseRow
from transform.storage import Lake
from transform.tables import FOLDS, TABLES

# Compaction replaces files by files of the same rows, which an incremental read passes over.
_KEEPS_ROWS = (Operation.APPEND, Operation.REPLACE)


def reason_for_full(lake: Lake, last: ReleaseRow | None, consumed: Mapping[str, int]) -> str:
    """Why nothing can be taken over from the last release; empty when it can."""
    if last is None:
        return "there is no release yet"
    if last.logic != fingerprint():
        return "the rules have changed since the last release"
    if missing := [stored.name for stored in (*FOLDS, *TABLES) if stored.name not in last.tables]:
        return f"the last release has no {', '.join(missing)}"
    for name, snapshot in last.consumed.items():
        if name in consumed and not _follows(lake.catalog.load_table(name), snapshot):
            return f"{name} no longer has what came between the last release and now"
        if name not in consumed:
            return f"{name} is gone"
    return ""


def _follows(table: IcebergTable, after: int) -> bool:
    """Whether everything since a snapshot was appended, and each step of it is still there."""
    for snapshot in newest_first(table):
        if snapshot.snapshot_id == after:
            return True
        if snapshot.summary is None or snapshot.summary.operation not in _KEEPS_ROWS:
            return False
    return False


def gained(lake: Lake, before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Whether any table has rows that the release did not take in."""
    return any(
        snapshot != before.get(name) and gained_rows(lake.catalog.load_table(name), before.get(name)) > 0
        for name, snapshot in now.items()
    )


def gained_rows(table: IcebergTable, after: int | None) -> int:
    """The rows that were appended to a table after a snapshot, or all that it has, as its metadata says."""
    if after is None:
        snapshot = table.current_snapshot()
        return _figure(snapshot, "total-records") if snapshot else 0
    since = takewhile(lambda snapshot: snapshot.snapshot_id != after, newest_first(table))
    return sum(_figure(each, "added-records") for each in since if brings_rows(each))


def rows_at(table: IcebergTable, snapshot_id: int) -> int:
    """The rows that a table has at a snapshot, as they were counted when it was written."""
    snapshot = table.metadata.snapshot_by_id(snapshot_id)
    if snapshot is None or snapshot.summary is None:
        raise ValueError(f"{'.'.join(table.name())} has no snapshot {snapshot_id}")
    return _figure(snapshot, "total-records")


def brings_rows(snapshot: Snapshot) -> bool:
    """Whether a snapshot was made by an append, the one way in which bronze gains rows."""
    return snapshot.summary is not None and snapshot.summary.operation == Operation.APPEND


def _figure(snapshot: Snapshot, name: str) -> int:
    return int(snapshot.summary.get(name) or 0) if snapshot.summary else 0
