"""Every file of the warehouse, whoever wrote it: found by listing the storage, not by asking a table."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pyarrow import fs
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import PyArrowFileIO

# A storage that does not tell when a file was written has none that is young.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StoredFile:
    """A file as the storage lists it; `path` is as the storage names it, `name` as the warehouse does."""

    name: str
    path: str
    size: int
    changed_at: datetime


class Warehouse:
    """The storage below the warehouse's location."""

    def __init__(self, catalog: Catalog, location: str) -> None:
        self.io = PyArrowFileIO(catalog.properties)
        scheme, netloc, self._root = self.io.parse_location(location.rstrip("/"), catalog.properties)
        self.storage: fs.FileSystem = self.io.fs_by_scheme(scheme, netloc)

    def path(self, location: str) -> str:
        """A location, as metadata write it, as the storage names it."""
        return str(self.io.parse_location(location)[2])

    def files(self, below: str = "") -> Iterator[StoredFile]:
        """All files, folder by folder, in the order of their names; one that goes away meanwhile is left out."""
        selector = fs.FileSelector(posixpath.join(self._root, below).rstrip("/"), allow_not_found=True)
        folders = []
        for info in sorted(self.storage.get_file_info(selector), key=lambda info: info.path):
            if info.type == fs.FileType.Directory:
                folders.append(info.path)
            elif info.type == fs.FileType.File:
                yield StoredFile(
                    posixpath.relpath(info.path, self._root), info.path, info.size, info.mtime or _LONG_AGO
                )
        for folder in folders:
            yield from self.files(posixpath.relpath(folder, self._root))

    def delete(self, path: str) -> bool:
        """Remove a file; whether it was there."""
        try:
            self.storage.delete_file(path)
        except FileNotFoundError:
            return False
        return True

    def delete_named(self, name: str) -> bool:
        """Remove a file by its name in the warehouse; whether it was there."""
        return self.delete(posixpath.join(self._root, name))

    def read(self, name: str) -> bytes:
        """A small file, by its name in the warehouse."""
        with self.storage.open_input_file(posixpath.join(self._root, name)) as stream:
            return bytes(stream.read())

    def write(self, name: str, content: bytes) -> None:
        """Write a small file as a whole: a reader sees the old content or the new."""
        target = posixpath.join(self._root, name)
        self.storage.create_dir(posixpath.dirname(target))
        if not isinstance(self.storage, fs.LocalFileSystem):  # an object becomes visible as a whole by itself
            with self.storage.open_output_stream(target) as stream:
                stream.write(content)
            return
        with self.storage.open_output_stream(f"{target}.part") as stream:
            stream.write(content)
        self.storage.move(f"{target}.part", target)
