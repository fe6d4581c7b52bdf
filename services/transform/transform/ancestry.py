"""The snapshots of a table's main branch, as its metadata has them."""

from collections.abc import Iterator

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot


def newest_first(table: Table) -> Iterator[Snapshot]:
    """The current snapshot, the one before it, and so on, as far back as they were kept."""
    snapshot = table.current_snapshot()
    while snapshot is not None:
        yield snapshot
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None
