"""One commit to one Iceberg table: files and properties together, only on top of what the writer has seen.

PyIceberg's own retry re-parents an append onto whatever another writer committed meanwhile, which would defeat the
fence; so the staged updates go to `Catalog.commit_table` from here, once per look at the table. This module is the
only one that touches the private parts of PyIceberg 0.12 (`Transaction._updates`, `_requirements`).

What a commit costs must not grow with the table's history: manifests are merged on the way (the table's property
`commit.manifest.min-count-to-merge`), and snapshots are not copied. What is left is reading and writing their list.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, RESTError
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import MetadataLogEntry, Snapshot, SnapshotLogEntry
from pyiceberg.table.update import AssertTableUUID
from shopsphere_kit.errors import Unavailable
from shopsphere_kit.logging import get_logger
from sqlalchemy.exc import DBAPIError

POSITION_PROPERTY = "shopsphere.position"
COMMIT_PROPERTY = "shopsphere.commit"

# Another committer or a locked SQLite file clears within seconds; after this the source backs off as a whole.
COMMIT_SECONDS_MAX = 60.0
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.02, 1.0
# Each of these may hide a commit that took effect, so the table is read again before anything is repeated.
_UNCERTAIN = (CommitFailedException, RESTError, DBAPIError, OSError)


def _itself(entry: Any, _: Any) -> Any:
    return entry


# The catalog copies the metadata deeply once more. These are frozen, so a copy of one is as good as itself.
for frozen in (Snapshot, SnapshotLogEntry, MetadataLogEntry):
    frozen.__deepcopy__ = _itself  # type: ignore[method-assign, assignment]

_log = get_logger(__name__)


@dataclass(frozen=True)
class Plan:
    """What to do to the table as it was just read: files to add and to take out.

    `properties` go into the snapshot's summary; `lasting` ones into the table itself, where no expiry takes them.
    """

    files: Sequence[DataFile]
    properties: Mapping[str, str] = field(default_factory=dict)
    removed: Sequence[DataFile] = ()
    lasting: Mapping[str, str] = field(default_factory=dict)


def recorded_position(table: Table) -> str | None:
    """The position that the newest snapshot with one records, or None when the table was never written by ingest.

    A table property of the same name, set in the same commit, remains when that snapshot is expired.
    """
    for snapshot in _ancestors(table):
        found = _property(snapshot, POSITION_PROPERTY)
        if found is not None:
            return found
    return table.properties.get(POSITION_PROPERTY)


def _ancestors(table: Table) -> Iterator[Snapshot]:
    snapshot = table.current_snapshot()
    while snapshot:
        yield snapshot
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None


def commit(catalog: Catalog, identifier: str, plan: Callable[[Table], Plan | None], seen: Table | None = None) -> Table:
    """Commit what `plan` says of the table, and again while only the attempt failed; returns the table after it.

    `seen` is the table as an earlier commit left it: when it still is so, it need not be read. `plan` raises to refuse,
    and returns None when there is nothing to do. Raises Unavailable when the catalog does not take the commit within
    COMMIT_SECONDS_MAX.
    """
    token = uuid.uuid4().hex
    deadline = time.monotonic() + COMMIT_SECONDS_MAX
    for attempt, pause in enumerate(_pauses()):
        try:
            table, seen = seen or catalog.load_table(identifier), None
            if attempt and _landed(table, token):
                return table
            planned = plan(table)
            return table if planned is None else _attempt(catalog, table, planned, token)
        except _UNCERTAIN as error:
            if time.monotonic() > deadline:
                raise Unavailable(f"the catalog does not take the commit to {identifier}: {error}") from error
            _log.warning("commit not confirmed, looking again", table=identifier, error=type(error).__name__)
            threading.Event().wait(pause)
    raise AssertionError("pauses never end")


def _pauses() -> Iterable[float]:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, _LAST_PAUSE_SECONDS)


def _landed(table: Table, token: str) -> bool:
    return any(_property(snapshot, COMMIT_PROPERTY) == token for snapshot in table.snapshots())


def _property(snapshot: Snapshot, name: str) -> str | None:
    # Not `in`: PyIceberg's Summary answers None for a missing key instead of raising, so it seems to have every key.
    return snapshot.summary.additional_properties.get(name) if snapshot.summary else None


def _without_history(table: Table) -> Table:
    """The table as if its newest snapshot were its only one, which is all that an append looks at.

    A transaction of PyIceberg 0.12 copies the table's metadata a dozen times, every snapshot of it: over 200 commits to
    a new table that was three quarters of all their time. The catalog keeps the history by itself.
    """
    newest = table.current_snapshot()
    short = {"snapshots": [newest] if newest else [], "snapshot_log": [], "metadata_log": []}
    metadata = table.metadata.model_copy(update=short)
    return Table(table.name(), metadata, table.metadata_location, table.io, table.catalog, table.config)


def _attempt(catalog: Catalog, table: Table, plan: Plan, token: str) -> Table:
    transaction = _without_history(table).transaction()
    summary = {**plan.properties, COMMIT_PROPERTY: token}
    update = transaction.update_snapshot(snapshot_properties=summary)
    with update.overwrite() if plan.removed else update.merge_append() as change:
        for file in plan.removed:
            change.delete_data_file(file)
        for file in plan.files:
            change.append_data_file(file)
    lasting = dict(plan.lasting)
    if POSITION_PROPERTY in plan.properties:
        lasting[POSITION_PROPERTY] = plan.properties[POSITION_PROPERTY]
    if lasting:
        transaction.set_properties(lasting)
    # The snapshot staged the requirement that the branch still ends where this writer saw it end.
    requirements = (*transaction._requirements, AssertTableUUID(uuid=table.metadata.table_uuid))  # noqa: SLF001
    done = catalog.commit_table(table, requirements, transaction._updates)  # noqa: SLF001
    return Table(table.name(), done.metadata, done.metadata_location, table.io, catalog, table.config)
