"""The live files of a bronze table as its manifests list them: how many, how large, and how new their rows are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain

from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import Table
from pyiceberg.types import TimestamptzType
from pyiceberg.utils.concurrent import ExecutorFactory
from shopsphere_kit.file_sizes import FILE_BYTES, crowded, files_beyond

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class TableFiles:
    """Sizes in bytes of the live files by partition, and the newest `_committed_at` among their rows."""

    partitions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    newest: datetime | None = None

    def figures(self) -> dict[str, object]:
        """The numbers of `status`."""
        sizes = list(chain.from_iterable(self.partitions.values()))
        return {
            "bytes": sum(sizes),
            "partitions": len(self.partitions),
            "small_files": sum(size < FILE_BYTES for size in sizes),
            "files_beyond": sum(map(files_beyond, self.partitions.values())),
            "crowded_partitions": crowded(self.partitions.values()),
            "newest_row_at": self.newest,
        }


def table_files(table: Table) -> TableFiles:
    """What the manifests of the newest snapshot list; reads them all, side by side, and no data file."""
    found = TableFiles()
    snapshot = table.current_snapshot()
    column = next((column for column in table.schema().fields if column.name == "_committed_at"), None)

    def files(manifest: ManifestFile) -> Sequence[DataFile]:
        return [entry.data_file for entry in manifest.fetch_manifest_entry(table.io)]

    manifests = snapshot.manifests(table.io) if snapshot else []
    for file in chain.from_iterable(ExecutorFactory.get_or_create().map(files, manifests)):
        found.partitions[f"{file.spec_id}/{file.partition}"].append(file.file_size_in_bytes)
        newest = _upper(file, column.field_id) if column else None
        if newest is not None and (found.newest is None or newest > found.newest):
            found.newest = newest
    return found


def _upper(file: DataFile, field_id: int) -> datetime | None:
    bound = (file.upper_bounds or {}).get(field_id)
    return None if bound is None else EPOCH + timedelta(microseconds=int(from_bytes(TimestamptzType(), bound)))
