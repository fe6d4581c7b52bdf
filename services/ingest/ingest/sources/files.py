"""Files as a source: found by a pattern, known by name and content, read in pieces that fit in memory."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from shopsphere_kit.errors import InvalidArgument

from ingest.batch import BATCH_BYTES, Chunk, Rejected
from ingest.errors import FileRefused
from ingest.position import file_row, file_version
from ingest.sources.records import RECORD_BYTES_MAX, Form, Record, open_records
from ingest.tables import FILE_FIELDS, INGESTED_AT, METADATA_COLUMNS, TIMESTAMP

# Values are Python objects only for so many bytes of the file at a time; as Arrow they take a sixth of that.
PIECE_BYTES = 4 * 2**20
# A data file is made of so many bytes of the source; with twice as many a load of 500 MB took 1 GiB of memory.
CHUNK_BYTES = 32 * 2**20
# Rejected records wait in memory for the commit. A file with more of them is no file with errors: it has another
# encoding or delimiter than was said, and quarantine is no place for it.
REJECTED_MAX, REJECTED_BYTES_MAX = 100_000, BATCH_BYTES
NO_ROWS = "no_rows"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROL = frozenset(field.name for field in FILE_FIELDS) | {INGESTED_AT.name}


@dataclass(frozen=True)
class FoundFile:
    """A file that the pattern matches; `name` is its path below the part of the pattern that has no wildcard."""

    name: str
    path: Path
    size: int


@dataclass(frozen=True)
class SourceFile:
    """A file whose content is known: SHA-256, and the time at which it was last written."""

    name: str
    path: Path
    digest: str
    modified: datetime

    @property
    def version(self) -> str:
        """Name and content, as positions have them."""
        return file_version(self.name, self.digest)


def find(pattern: str) -> list[FoundFile]:
    """The files that match, by name; raises InvalidArgument when there is none."""
    parts = Path(pattern).parts
    fixed = next((place for place, part in enumerate(parts) if set(part) & set("*?[")), len(parts) - 1)
    root = Path(*parts[:fixed])
    matching = root.glob(str(Path(*parts[fixed:]))) if parts else ()
    found = [FoundFile(path.relative_to(root).as_posix(), path, path.stat().st_size) for path in _files(matching)]
    if not found:
        raise InvalidArgument(f"--glob {pattern} matches no file; quote it, so that the shell leaves it as it is")
    return sorted(found, key=lambda file: file.name)


def _files(paths: Iterator[Path] | Sequence[Path]) -> Iterator[Path]:
    return (path for path in paths if path.is_file())


def fingerprint(found: FoundFile) -> SourceFile:
    """Read the whole file for its hash; raises FileRefused when it cannot be read."""
    with _readable(found.name):
        found.name.encode()
        with found.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        modified = _EPOCH + timedelta(microseconds=found.path.stat().st_mtime_ns // 1000)
    return SourceFile(found.name, found.path, digest, modified)


class Reading:
    """One file while its rows are read: `columns` first, then `chunks` once; raises FileRefused."""

    def __init__(self, file: SourceFile, form: Form, source: str, size: int = CHUNK_BYTES) -> None:
        self._file, self._source, self._size = file, source, size
        self._number = self._rejected_bytes = self._rejected = 0
        self.name, self.rows, self.bytes_read = file.name, 0, 0
        with _readable(file.name):
            self.columns, self._records = open_records(self._lines(), form)
            _check(self.columns, file.name)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in the file's order, and last, when there was none, a record that says so."""
        with _readable(self._file.name):
            tables, rejected, began = list[pa.Table](), list[Rejected](), self.bytes_read
            for piece, unfit in self._pieces():
                tables.append(piece)
                rejected.extend(unfit)
                if self.rows and self.bytes_read - began >= self._size:
                    yield Chunk(pa.concat_tables(tables), rejected)
                    tables, rejected, began = [], [], self.bytes_read
            if not self.rows:
                rejected.append(self._without_rows())
            if tables or rejected:
                yield Chunk(pa.concat_tables(tables or [self._table([], [])]), rejected)

    def _pieces(self) -> Iterator[tuple[pa.Table, list[Rejected]]]:
        values, numbers, rejected, began = list[Sequence[str]](), list[int](), list[Rejected](), self.bytes_read
        for record in self._records:
            self._number += 1
            if record.values is None:
                rejected.append(self._reject(record))
            else:
                values.append(record.values)
                numbers.append(self._number)
            if self.bytes_read - began >= PIECE_BYTES:
                yield self._table(values, numbers), rejected
                values, numbers, rejected, began = [], [], [], self.bytes_read
        yield self._table(values, numbers), rejected

    def _table(self, values: Sequence[Sequence[str]], numbers: Sequence[int]) -> pa.Table:
        version, count = self._file.version, len(values)
        self.rows += count
        columns = list(zip(*values, strict=True)) or [()] * len(self.columns)
        own = (self._file.name, self._file.digest)
        arrays: list[Any] = [
            *(pa.array(column, pa.string()) for column in columns),
            *(pa.repeat(pa.scalar(value, pa.string()), count) for value in own),
            pa.array([file_row(version, number) for number in numbers], pa.string()),
            pa.repeat(pa.scalar(self._file.modified, TIMESTAMP), count),
        ]
        fields: list[pa.Field[Any]] = [pa.field(name, pa.string()) for name in self.columns]
        return pa.Table.from_arrays(arrays, schema=pa.schema([*fields, *FILE_FIELDS]))

    def _reject(self, record: Record) -> Rejected:
        self._rejected += 1
        self._rejected_bytes += record.size
        if self._rejected > REJECTED_MAX or self._rejected_bytes > REJECTED_BYTES_MAX:
            raise FileRefused(
                f"more than {REJECTED_MAX} records or {REJECTED_BYTES_MAX >> 20} MiB cannot be read, the last one for "
                f"{record.reason} ({record.detail}); is it another --encoding or --delimiter?"
            )
        place = file_row(self._file.version, self._number)
        return Rejected(self._source, place, record.reason, record.detail, b"".join(record.raw))

    def _without_rows(self) -> Rejected:
        detail = f"{self._file.name} has no row; {self._number} records could not be read"
        header = ",".join(self.columns).encode()
        return Rejected(self._source, file_row(self._file.version, 0), NO_ROWS, detail, header)

    def _lines(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        with self._file.path.open("rb", buffering=2**20) as stream:
            while line := stream.readline(RECORD_BYTES_MAX):
                digest.update(line)
                self.bytes_read += len(line)
                yield line
        if digest.hexdigest() != self._file.digest:
            raise FileRefused("it changed while it was read; nothing of it is loaded, run again when it is complete")


def _check(columns: Sequence[str], name: str) -> None:
    seen = set[str]()
    for column in columns:
        fault = "is empty" if not column.strip() else "is one that ingest adds" if column in _CONTROL else None
        fault = fault or ("is one that Iceberg keeps for itself" if column in METADATA_COLUMNS else None)
        # Spark takes names that differ in case alone for the same column.
        fault = fault or ("stands there twice" if column.lower() in seen else None)
        if fault:
            raise FileRefused(f"header: the column {column!r} {fault}; give each column of {name} a name of its own")
        seen.add(column.lower())


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except FileRefused as error:
        if error.field:
            raise
        raise FileRefused(f"{name}: {error.detail}", field=name) from error
    except UnicodeEncodeError as error:
        raise FileRefused(f"{name!r}: the file's name is not UTF-8; rename it", field="glob") from error
    except OSError as error:
        raise FileRefused(f"{name} cannot be read: {error.strerror or error}", field=name) from error
