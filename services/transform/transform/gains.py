"""What bronze gained since a release took it in, as its metadata says; no rows are read."""

from collections.abc import Mapping

from pyiceberg.table import Table as IcebergTable

from transform.logic import fingerprint
from transform.release import ReleaseRow
from transform.storage import Lake
from transform.tables import FOLDS, TABLES


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
    snapshot = table.current_snapshot()
    while snapshot is not None and snapshot.snapshot_id != after:
        operation = snapshot.summary.operation.value if snapshot.summary else ""
        if operation not in {"append", "replace"} or snapshot.parent_snapshot_id is None:
            return False
        snapshot = table.snapshot_by_id(snapshot.parent_snapshot_id)
    return snapshot is not None


def gained(lake: Lake, before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    """Whether any table has rows that the release did not take in."""
    return any(
        snapshot != before.get(name) and gained_rows(lake.catalog.load_table(name), before.get(name)) > 0
        for name, snapshot in now.items()
    )


def gained_rows(table: IcebergTable, after: int | None) -> int:
    """The rows that were appended to a table after a snapshot, or all that it has, as its metadata says."""
    snapshot, rows = table.current_snapshot(), 0
    if after is None:
        summary = snapshot.summary if snapshot else None
        return int(summary.get("total-records") or 0) if summary else 0
    while snapshot is not None and snapshot.snapshot_id != after:
        summary, parent = snapshot.summary, snapshot.parent_snapshot_id
        if summary and summary.operation.value == "append":
            rows += int(summary.get("added-records") or 0)
        snapshot = table.snapshot_by_id(parent) if parent is not None else None
    return rows
