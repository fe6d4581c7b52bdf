"""Which files a bronze table holds, asked of its rows: they are there for as long as the table is.

Snapshots expire, and a list in a table property would be rewritten with every commit. A data file whose smallest and
largest `_source_file` and `_file_hash` are equal holds rows of that one file, which its manifest tells without being
opened itself; of data files that compaction has mixed, those two columns alone are read.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pyiceberg.catalog import Catalog
from pyiceberg.conversions import from_bytes
from pyiceberg.exceptions import NoSuchTableError, RESTError
from pyiceberg.expressions import And, EqualTo
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table
from pyiceberg.types import StringType
from shopsphere_kit.errors import Unavailable
from sqlalchemy.exc import DBAPIError

from ingest.renames import renamed
from ingest.sources.files import NO_ROWS, SourceFile
from ingest.tables import QUARANTINE, full_name

_IDENTITY = ("_source_file", "_file_hash")
_AWAY = (DBAPIError, RESTError, OSError)


@dataclass
class Loaded:
    """The files that are in, by name and by content; `without_rows` are versions known to quarantine alone."""

    by_name: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_digest: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    without_rows: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)

    def add(self, name: str, digest: str) -> None:
        """Remember a file with rows."""
        self.by_name[name].add(digest)
        self.by_digest[digest].add(name)

    def has(self, file: SourceFile) -> bool:
        """Whether this content is in under this name."""
        return file.digest in self.by_name.get(file.name, ()) or file.version in self.without_rows

    @property
    def count(self) -> int:
        """How many files with rows are in, each version for itself."""
        return sum(map(len, self.by_name.values()))


class FileLedger(Protocol):
    """Tells which files a table holds."""

    def loaded(self, table: str, source: str) -> Loaded:
        """The files whose rows are in the table, and those that quarantine knows as having none."""
        ...


class IcebergFileLedger:
    """Reads the ledger from the bronze table itself; raises Unavailable when the lake is away."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def loaded(self, table: str, source: str) -> Loaded:
        """See FileLedger."""
        found = Loaded()
        try:
            bronze, quarantine = self._load(table), self._load(QUARANTINE)
            if bronze is not None:
                found.columns = set(bronze.schema().column_names)
                for name, digest in _identities(bronze):
                    found.add(name, digest)
            if quarantine is not None:
                found.without_rows = set(_without_rows(quarantine, source))
        except _AWAY as error:
            raise Unavailable(f"the lake does not answer for {table}: {error}") from error
        return found

    def _load(self, name: str) -> Table | None:
        try:
            return renamed(self._catalog.load_table(full_name(name)))
        except NoSuchTableError:
            return None


def _identities(table: Table) -> Iterator[tuple[str, str]]:
    fields = [table.schema().find_field(name).field_id for name in _IDENTITY]
    mixed: list[FileScanTask] = []
    for task in table.scan(selected_fields=_IDENTITY).plan_files():
        single = [_only_value(task.file, field_id) for field_id in fields]
        if single[0] is not None and single[1] is not None and not task.delete_files:
            yield single[0], single[1]
        else:
            mixed.append(task)
    if mixed:
        yield from _read(table, mixed)


def _only_value(file: DataFile, field_id: int) -> str | None:
    # A bound that was cut is no value of the column, but then the upper one was raised and the two differ.
    lower, upper = _bound(file.lower_bounds, field_id), _bound(file.upper_bounds, field_id)
    nulls = (file.null_value_counts or {}).get(field_id)
    return str(from_bytes(StringType(), lower)) if lower is not None and lower == upper and nulls == 0 else None


def _bound(bounds: Mapping[int, bytes] | None, field_id: int) -> bytes | None:
    return bounds.get(field_id) if bounds else None


def _read(table: Table, tasks: Sequence[FileScanTask]) -> Iterator[tuple[str, str]]:
    scan = table.scan(selected_fields=_IDENTITY)
    for batch in ArrowScan(table.metadata, table.io, scan.projection(), scan.row_filter).to_record_batches(tasks):
        yield from set(zip(*(batch.column(name).to_pylist() for name in _IDENTITY), strict=True))


def _without_rows(quarantine: Table, source: str) -> Iterator[str]:
    mine = And(EqualTo(term="source", value=source), EqualTo(term="reason", value=NO_ROWS))
    for position in quarantine.scan(row_filter=mine, selected_fields=("position",)).to_arrow()["position"].to_pylist():
        yield str(position).rpartition("/")[0]
