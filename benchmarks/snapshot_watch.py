"""When each snapshot of a table became visible to a reader, and how old the rows in it were then."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import pyarrow.parquet as pq
from ingest_lake import Lake
from pyiceberg.table import Table

_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Freshness:
    """Seconds from a row's change to its visibility, sorted; data files and snapshots that brought the rows."""

    seconds: list[float]
    files: int
    snapshots: int

    def percentile(self, part: float) -> float:
        """The age that so great a part of the rows did not exceed."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * part))]


class SnapshotWatch:
    """A thread that looks for new snapshots of a bronze table and takes the time at which it saw each."""

    def __init__(self, lake: Lake, name: str) -> None:
        self._lake, self._name = lake, name
        self._seen: dict[int, float] = {}
        self._failure: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="snapshots", daemon=True)

    def __enter__(self) -> Self:
        self._known = {snapshot.snapshot_id for snapshot in self._lake.table(self._name).snapshots()}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def freshness(self, column: str) -> Freshness:
        """How old the rows were; `column` holds the time of their change. Reads every file, so call it afterwards."""
        if self._failure:
            raise self._failure
        table = self._lake.table(self._name)
        # A file belongs to the snapshot that added it, whichever manifest names it now.
        added = {(entry["data_file"]["file_path"], entry["snapshot_id"]) for entry in _entries(table)}
        ages: list[float] = []
        files = [(path.removeprefix("file://"), snapshot) for path, snapshot in added if snapshot in self._seen]
        for path, snapshot in files:
            changed = pq.read_table(path, columns=[column])[column].to_pylist()
            ages += [self._seen[snapshot] - when.timestamp() for when in changed if when]
        return Freshness(sorted(ages), len(files), len({snapshot for _, snapshot in files}))

    def _watch(self) -> None:
        location = None
        try:
            while not self._stopping.wait(_POLL_SECONDS):
                found, now = self._lake.metadata_location(self._name), time.time()
                if found != location:
                    location = found
                    for snapshot in self._lake.table(self._name).snapshots():
                        if snapshot.snapshot_id not in self._known:
                            self._seen.setdefault(snapshot.snapshot_id, now)
        except BaseException as failure:  # noqa: BLE001 - raised where the figures are asked for
            self._failure = failure


def _entries(table: Table) -> Iterable[dict[str, Any]]:
    return table.inspect.entries().to_pylist()
