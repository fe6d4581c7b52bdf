"""What the metadata of a table names: its snapshots' manifest lists, their manifests, and the files these list."""

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pyiceberg.io import FileIO
from pyiceberg.typedef import Record

from transform.erasure import avro

# Field ids of the Iceberg specification, "Manifests" and "Manifest Lists"; they hold for every version of it.
MANIFEST_PATH, MANIFEST_LENGTH = 500, 501
STATUS, DATA_FILE = 0, 2
FILE_PATH, FILE_FORMAT, FILE_BYTES, KEY_METADATA, CONTENT = 100, 101, 104, 131, 134
DELETED = 2  # status of an entry: the file was taken out by this snapshot
DATA = 0  # content of a file: rows, not deletes


Found = TypeVar("Found")


@dataclass
class Names:
    """Paths by what they are.

    `row_deletes` are files that say which rows of others no longer count; `deleted` are files that manifests list as
    taken out, and that no snapshot has any more.
    """

    data: set[str] = field(default_factory=set)
    row_deletes: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    @property
    def all(self) -> set[str]:
        """Every path of what a snapshot has."""
        return self.data | self.row_deletes | self.manifests | self.lists | self.others


class Reader:
    """Reads manifests and their lists, each once: none of them ever changes."""

    def __init__(self, io_: FileIO) -> None:
        self.io = io_
        self._lists: dict[str, list[str]] = {}
        self._files: dict[str, list[tuple[int, int, str]]] = {}

    def manifests(self, manifest_list: str) -> list[str]:
        """The manifests of a snapshot."""
        if manifest_list not in self._lists:
            content = avro.read(self.io, manifest_list)
            fields = avro.Fields(content.schema)
            self._lists[manifest_list] = [fields.get(record, MANIFEST_PATH) for record in content.records]
        return self._lists[manifest_list]

    def files(self, manifest: str) -> list[tuple[int, int, str]]:
        """The files that a manifest lists, with the status and the content of each."""
        if manifest not in self._files:
            content = avro.read(self.io, manifest)
            self._files[manifest] = [
                (status, file.get(CONTENT) or DATA, path_of(file)) for status, file in entries(content)
            ]
        return self._files[manifest]


@dataclass(frozen=True)
class ListedFile:
    """A data file as a manifest lists it."""

    record: Record
    fields: avro.Fields

    def get(self, field_id: int) -> Any:
        """A field of it."""
        return self.fields.get(self.record, field_id)


def entries(content: avro.AvroContent) -> Iterable[tuple[int, ListedFile]]:
    """The status and the file of each entry of a manifest."""
    outer, inner = avro.Fields(content.schema), avro.Fields(avro.struct_of(content.schema, DATA_FILE))
    for record in content.records:
        yield outer.get(record, STATUS), ListedFile(outer.get(record, DATA_FILE), inner)


def path_of(file: ListedFile) -> str:
    """Where a listed file is."""
    return str(file.get(FILE_PATH))


def load(io_: FileIO, location: str) -> dict[str, Any]:
    """A metadata file as JSON, with all that it says."""
    with io_.new_input(location).open() as stream:
        content = stream.read()
    if ".gz." in location or location.endswith(".gz"):
        content = gzip.decompress(content)
    loaded: dict[str, Any] = json.loads(content)
    return loaded


def named_by(metadata: Mapping[str, Any], reader: Reader) -> Names:
    """Everything that a table's metadata leads to; what of it is gone already leads no further."""
    found = Names()
    for snapshot in metadata.get("snapshots", ()):
        found.lists.add(snapshot["manifest-list"])
    for manifest_list in found.lists:
        found.manifests |= set(_if_there(reader.manifests, manifest_list))
    for manifest in found.manifests:
        for status, content, path in _if_there(reader.files, manifest):
            kind = found.data if content == DATA else found.row_deletes
            (found.deleted if status == DELETED else kind).add(path)
    found.deleted -= found.data
    for statistics in ("statistics", "partition-statistics"):
        found.others |= {each["statistics-path"] for each in metadata.get(statistics, ())}
    return found


def current(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as if the snapshot that readers see were the only one."""
    now = [each for each in metadata.get("snapshots", ()) if each["snapshot-id"] == metadata["current-snapshot-id"]]
    return {"snapshots": now}


def _if_there(read: Callable[[str], list[Found]], path: str) -> list[Found]:
    try:
        return read(path)
    except FileNotFoundError:
        return []
