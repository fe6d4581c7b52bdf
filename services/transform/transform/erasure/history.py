"""The history of one table, written anew around data files that were replaced.

Every snapshot keeps its id, its parent, its sequence number and its place, every branch and tag points where it did,
every file keeps its number of rows: only paths differ, in the manifests that listed a replaced file, in the lists of
those manifests, and in the metadata file. The catalog's pointer then moves to that metadata, if it is where it was.

The table gets a new UUID. Whoever planned a commit on the old files (PyIceberg compares the id of the snapshot alone,
and that stays) is refused by it, looks at the table again, and plans anew on files that are there.
"""

import gzip
import json
import posixpath
import re
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, cast

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import IcebergTables, SqlCatalog
from pyiceberg.io import FileIO
from pyiceberg.typedef import Record
from shopsphere_kit.errors import FailedPrecondition
from sqlalchemy import CursorResult, update

from transform.erasure import avro, references
from transform.erasure.data_file import NewFile

# Field ids of a data file in a manifest (Iceberg specification, "Data File Fields").
_COLUMN_SIZES, _VALUE_COUNTS, _NULL_COUNTS, _LOWER, _UPPER, _SPLIT_OFFSETS, _NAN_COUNTS = (
    108,
    109,
    110,
    125,
    128,
    132,
    137,
)
_BY_COLUMN = (_VALUE_COUNTS, _NULL_COUNTS, _NAN_COUNTS, _LOWER, _UPPER)


@dataclass
class Rewriting:
    """What takes the place of what; manifests and lists are remembered, so that another try writes only what is new."""

    io: FileIO
    columns: AbstractSet[int]
    """The ids of columns that may have been changed, those nested in them too: nothing is said of their values."""
    files: dict[str, NewFile] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    """Files that manifests still list as deleted, and that are no more."""
    manifests: dict[str, str] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)

    def manifest(self, path: str) -> str:
        """The manifest to list instead; the same one when nothing in it changes."""
        if path not in self.manifests:
            content = avro.read(self.io, path)
            # Every entry, for each has to be put right.
            changed = [self._entry(file) for _, file in references.entries(content)]
            self.manifests[path] = self._written(path, content, f"{uuid.uuid4()}-m0.avro") if any(changed) else path
        return self.manifests[path]

    def manifest_list(self, path: str, snapshot_id: int) -> str:
        """The list to name instead; the same one when nothing in it changes."""
        if path not in self.lists:
            content = avro.read(self.io, path)
            changed = [self._listed(record, avro.Fields(content.schema)) for record in content.records]
            name = f"snap-{snapshot_id}-0-{uuid.uuid4()}.avro"
            self.lists[path] = self._written(path, content, name) if any(changed) else path
        return self.lists[path]

    def _written(self, old: str, content: avro.AvroContent, name: str) -> str:
        path = posixpath.join(posixpath.dirname(old), name)
        self.lengths[path] = avro.write(self.io, path, content)
        return path

    def _listed(self, record: Record, fields: avro.Fields) -> bool:
        old = fields.get(record, references.MANIFEST_PATH)
        new = self.manifest(old)
        if new != old:
            fields.set(record, references.MANIFEST_PATH, new)
            fields.set(record, references.MANIFEST_LENGTH, self.lengths[new])
        return bool(new != old)

    def _entry(self, file: references.ListedFile) -> bool:
        path = references.path_of(file)
        new = self.files.get(path)
        if new is not None:
            file.fields.set(file.record, references.FILE_PATH, new.path)
            file.fields.set(file.record, references.FILE_BYTES, new.size)
            file.fields.set(file.record, _SPLIT_OFFSETS, new.split_offsets)
            file.fields.set(file.record, _COLUMN_SIZES, None)
        stripped = (new is not None or path in self.gone) and self._strip(file)
        return new is not None or stripped

    def _strip(self, file: references.ListedFile) -> bool:
        """Leave out what is said of the values of columns that may have changed."""
        found = False
        for field_id in _BY_COLUMN:
            by_column: Mapping[int, Any] | None = file.get(field_id)
            if by_column and self.columns & by_column.keys():
                kept = {number: value for number, value in by_column.items() if number not in self.columns}
                file.fields.set(file.record, field_id, kept)
                found = True
        return found


def rewritten_metadata(metadata: Mapping[str, Any], rewriting: Rewriting) -> dict[str, Any] | None:
    """The table's metadata with the new lists and without a past of its own; None when no snapshot changes."""
    snapshots = [
        {**snapshot, "manifest-list": rewriting.manifest_list(snapshot["manifest-list"], snapshot["snapshot-id"])}
        for snapshot in metadata.get("snapshots", ())
    ]
    if snapshots == list(metadata.get("snapshots", ())):
        return None
    return without_past(metadata) | {"snapshots": snapshots}


def without_past(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as they are, but for statistics files, earlier metadata files and the UUID, which is new."""
    dropped: dict[str, list[Any]] = {"statistics": [], "partition-statistics": [], "metadata-log": []}
    return {**metadata, **{name: empty for name, empty in dropped.items() if name in metadata}} | {
        "table-uuid": str(uuid.uuid4())
    }


def write_metadata(io: FileIO, metadata: Mapping[str, Any], old: str) -> str:
    """Write a metadata file that follows the old one; returns its location."""
    folder, name = posixpath.split(old)
    number = re.match(r"v?(\d+)", name)
    ending = ".gz.metadata.json" if name.endswith(".gz.metadata.json") else ".metadata.json"
    location = posixpath.join(folder, f"{int(number[1]) + 1 if number else 0:05d}-{uuid.uuid4()}{ending}")
    content = json.dumps(metadata).encode()
    with io.new_output(location).create() as stream:
        stream.write(gzip.compress(content) if ending.startswith(".gz") else content)
    return location


def swap(catalog: Catalog, name: str, seen: str, new: str) -> bool:
    """Let the catalog name the new metadata if it still names those that were seen; whether it did."""
    sql = sql_catalog(catalog)
    namespace, _, table = name.rpartition(".")
    change = (
        update(IcebergTables)
        .where(
            IcebergTables.catalog_name == sql.name,
            IcebergTables.table_namespace == namespace,
            IcebergTables.table_name == table,
            IcebergTables.metadata_location == seen,
        )
        .values(metadata_location=new, previous_metadata_location=None)
    )
    with sql.engine.begin() as connection:
        return cast("CursorResult[Any]", connection.execute(change)).rowcount == 1


def sql_catalog(catalog: Catalog) -> SqlCatalog:
    """The catalog as one whose pointers can be moved. Raises FailedPrecondition for a REST catalog."""
    if not isinstance(catalog, SqlCatalog):
        raise FailedPrecondition(
            "a REST catalog lets nobody rewrite snapshots under their ids; erase through the catalog's own database, "
            "with SHOPSPHERE_LAKE_CATALOG_TYPE=sql and its address in SHOPSPHERE_LAKE_CATALOG_URI",
            field="catalog_type",
        )
    return catalog
