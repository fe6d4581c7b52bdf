"""Changes to bronze beside the stream: rows added behind its position, records taken out of quarantine.

None of them moves `shopsphere.position`, so a running ingest finds it where it left it and goes on.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import And, BooleanExpression, GreaterThanOrEqual, In, LessThanOrEqual
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from shopsphere_kit.errors import FailedPrecondition

from ingest.batch import Rejected
from ingest.iceberg_commit import Plan, commit
from ingest.iceberg_tables import catalog_errors
from ingest.parquet_files import fit, write_files
from ingest.parquet_read import batches, data_files
from ingest.tables import QUARANTINE, QUARANTINE_SCHEMA, full_name

Identity = tuple[str, str]
# A backfill as its table notes it: when it was taken, its rows, and their first and last position.
Note = Mapping[str, Any]
Backfills = Mapping[str, Note]
BACKFILL_PROPERTY = "shopsphere.backfill."
# Two columns of text: this many rows are a few MB.
_POSITION_ROWS = 65_536
# What is left of a file from which records were taken is written anew in files of about this many bytes in memory.
_REWRITE_BYTES = 256 * 2**20
_RECORD = ("source", "position", "reason", "detail", "value", "key", "headers")


class IcebergRepair:
    """Quarantine and bronze, opened for the verbs that work beside `run`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def quarantined(self, sources: AbstractSet[str] | None = None) -> Iterator[Sequence[Rejected]]:
        """The records of quarantine as it is now, of these sources or of all, few at a time."""
        with catalog_errors(QUARANTINE):
            table = self._load(QUARANTINE)
            wanted = In(term="source", literals=sources) if sources is not None else None
            for file in data_files(table, wanted) if table and sources != set() else []:
                for batch in batches(table, file, _RECORD):  # type: ignore[arg-type]  # there is a file, so a table
                    found = [Rejected(**row) for row in batch.to_pylist()]
                    yield [record for record in found if sources is None or record.source in sources]

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many records quarantine has, by source and reason."""
        counted: dict[tuple[str, str], int] = {}
        with catalog_errors(QUARANTINE):
            table = self._load(QUARANTINE)
            for file in data_files(table) if table else []:
                for batch in batches(table, file, ("source", "reason"), _POSITION_ROWS):  # type: ignore[arg-type]
                    groups = batch.group_by(["source", "reason"]).aggregate([([], "count_all")])
                    for row in groups.to_pylist():
                        key = (str(row["source"]), str(row["reason"]))
                        counted[key] = counted.get(key, 0) + row["count_all"]
        return counted

    def times(self, name: str, places: AbstractSet[str]) -> Mapping[str, datetime]:
        """The `_committed_at` of the table's rows at these positions, good or rejected."""
        with catalog_errors(name):
            table = self._load(name)
            return dict(_rows_at(table, places, good=False)) if table else {}

    def columns(self, name: str) -> pa.Schema | None:
        """The table's columns, None when there is no such table."""
        with catalog_errors(name):
            table = self._load(name)
            return fit(pa.table({}), table.schema()).schema if table else None

    def present(self, name: str, places: AbstractSet[str]) -> set[str]:
        """Those of the positions that a good row of the table has."""
        with catalog_errors(name):
            table = self._load(name)
            return {place for place, _ in _rows_at(table, places, good=True)} if table else set()

    def add_missing(self, name: str, rows: pa.Table) -> set[str]:
        """Add those rows whose `_position` no good row has at the moment of the commit; returns their positions."""
        places = set(map(str, rows["_position"].to_pylist()))
        added: set[str] = set()

        def plan(table: Table) -> Plan | None:
            nonlocal added
            added = places - {place for place, _ in _rows_at(table, places, good=True)}
            missing = pa.array([place in added for place in rows["_position"].to_pylist()], pa.bool_())
            return Plan(write_files(table, rows.filter(missing))) if added else None

        with catalog_errors(name):
            commit(self._catalog, full_name(name), plan)
        return added

    def forget(self, records: AbstractSet[Identity]) -> None:
        """Take records out of quarantine; what else their files hold is written anew."""
        places = {position for _, position in records}
        wanted = And(In(term="source", literals={source for source, _ in records}), _between("position", places))

        def plan(table: Table) -> Plan | None:
            kept: list[DataFile] = []
            removed: list[DataFile] = []
            for file in data_files(table, wanted):
                if any(identity in records for identity in _identities(table, file)):
                    removed.append(file)
                    kept.extend(_rewritten(table, file, records))
            return Plan(kept, removed=removed) if removed else None

        with catalog_errors(QUARANTINE):
            commit(self._catalog, full_name(QUARANTINE), plan)

    def backfills(self, name: str) -> Backfills:
        """What was backfilled into the table, by the key of its condition."""
        with catalog_errors(name):
            table = self._load(name)
            return _backfills(table) if table else {}

    def add_backfill(self, name: str, files: Sequence[DataFile], key: str, note: Note, *, seen: Backfills) -> None:
        """Make staged files visible and note the backfill, in one step.

        Raises FailedPrecondition, having added nothing, when the table has a backfill that is not among those `seen`
        before, and which is of the same condition or lies at the same positions.
        """

        def plan(table: Table) -> Plan:
            for other_key, other in _backfills(table).items():
                if seen.get(other_key) != other and (other_key == key or _overlap(other, note)):
                    raise FailedPrecondition(f"{name}: another copy came in meanwhile; nothing was added, run it again")
            return Plan(files, lasting={f"{BACKFILL_PROPERTY}{key}": json.dumps(note)})

        with catalog_errors(name):
            commit(self._catalog, full_name(name), plan)

    def _load(self, name: str) -> Table | None:
        try:
            return self._catalog.load_table(full_name(name))
        except NoSuchTableError:
            return None


def _backfills(table: Table) -> Backfills:
    return {
        name.removeprefix(BACKFILL_PROPERTY): json.loads(text)
        for name, text in table.properties.items()
        if name.startswith(BACKFILL_PROPERTY)
    }


def _overlap(one: Note, other: Note) -> bool:
    return bool(one["first"] <= other["last"] and other["first"] <= one["last"])


def _between(column: str, values: AbstractSet[str]) -> BooleanExpression:
    return And(GreaterThanOrEqual(term=column, value=min(values)), LessThanOrEqual(term=column, value=max(values)))


def _rows_at(table: Table, places: AbstractSet[str], *, good: bool) -> Iterator[tuple[str, datetime]]:
    """Position and time of the rows at these positions; a row marked as rejected is no good one."""
    candidates = pa.array(sorted(places), pa.string())
    for file in data_files(table, _between("_position", places)):
        for batch in batches(table, file, ("_position", "_committed_at", "_rejected"), _POSITION_ROWS):
            found = batch.filter(pc.is_in(batch["_position"].cast(pa.string()), value_set=candidates))
            if good:
                found = found.filter(pc.is_null(found["_rejected"]))
            yield from zip(found["_position"].to_pylist(), found["_committed_at"].to_pylist(), strict=True)


def _identities(table: Table, file: DataFile) -> Iterator[Identity]:
    for batch in batches(table, file, ("source", "position"), _POSITION_ROWS):
        yield from zip(batch["source"].to_pylist(), batch["position"].to_pylist(), strict=True)


def _rewritten(table: Table, file: DataFile, without: AbstractSet[Identity]) -> Iterator[DataFile]:
    waiting: list[pa.Table] = []
    for batch in batches(table, file, QUARANTINE_SCHEMA.names):
        pairs = zip(batch["source"].to_pylist(), batch["position"].to_pylist(), strict=True)
        waiting.append(batch.filter(pa.array([pair not in without for pair in pairs], pa.bool_())))
        if sum(part.nbytes for part in waiting) >= _REWRITE_BYTES:
            yield from write_files(table, pa.concat_tables(waiting).combine_chunks())
            waiting.clear()
    if waiting:
        yield from write_files(table, pa.concat_tables(waiting).combine_chunks())
