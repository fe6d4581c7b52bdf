"""The bronze tables in the Iceberg catalog: made, widened, filled under the fence."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    NoSuchTableError,
    ResolveError,
    RESTError,
    TableAlreadyExistsError,
    ValidationError,
)
from pyiceberg.expressions import BooleanExpression
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from pyiceberg.types import BinaryType, DecimalType, StringType
from shopsphere_kit.errors import Unavailable
from shopsphere_kit.lake import BRONZE
from shopsphere_kit.logging import get_logger
from sqlalchemy.exc import DBAPIError

from ingest.errors import IncompatibleSchema, WriterFenced
from ingest.iceberg_commit import POSITION_PROPERTY, Plan, commit, recorded_position
from ingest.parquet_files import write_files
from ingest.renames import renamed
from ingest.table_files import table_files
from ingest.tables import INGESTED_AT, full_name, partition_column, properties

_log = get_logger(__name__)

# A lake that is away comes back; the source backs off and goes on from the recorded position.
_AWAY = (DBAPIError, RESTError, OSError, CommitFailedException)
_TYPE_CHANGES_REFUSED = (ResolveError, ValidationError, ValueError, TypeError)


class IcebergTables:
    """Bronze tables by their short name; safe to share between threads as long as each table has one writer."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._fits: dict[str, pa.Schema] = {}
        self._loaded: dict[str, Table] = {}

    def ensure(self, name: str, schema: pa.Schema) -> None:
        """Create the table when it is missing, and add the columns it lacks; raises IncompatibleSchema."""
        if self._fits.get(name) == schema:
            return
        with catalog_errors(name):
            table = self._load(name) or self._create(name, schema)
            self._widen(table, schema)
            self._loaded[name] = self._catalog.load_table(full_name(name))
        self._fits[name] = schema

    def position(self, name: str) -> str | None:
        """The position the table records, or None when it has none or does not exist."""
        with catalog_errors(name):
            table = self._load(name)
            return recorded_position(table) if table else None

    def stage(self, name: str, rows: pa.Table) -> list[DataFile]:
        """Write rows of an ensured table as files that no snapshot knows yet."""
        if rows.num_rows == 0:
            return []
        with catalog_errors(name):
            return write_files(self._loaded[name], rows)

    def describe(self) -> dict[str, dict[str, object]]:
        """Rows, files, last commit (UTC) and position of every bronze table, by name."""
        with catalog_errors(BRONZE):
            if not self._catalog.namespace_exists(BRONZE):
                return {}
            names = sorted(identifier[-1] for identifier in self._catalog.list_tables(BRONZE))
            return {name: _described(self._catalog.load_table(full_name(name))) for name in names}

    def commit(self, name: str, files: Sequence[DataFile], *, expected: str | None, position: str) -> None:
        """Add staged files and record the position; raises WriterFenced when the table is not at `expected`."""

        def plan(table: Table) -> Plan:
            found = recorded_position(table)
            if found != expected:
                raise WriterFenced(
                    f"{name} records the position {_digest(found)}, this writer started from {_digest(expected)}: "
                    "another ingest writes the same tables; stop one of the two",
                    field=name,
                )
            return Plan(files, {POSITION_PROPERTY: position})

        self._loaded[name] = commit(self._catalog, full_name(name), plan, self._loaded.get(name))

    def append_new(
        self,
        name: str,
        rows: pa.Table,
        *,
        known: Callable[[pa.Table], BooleanExpression],
        unknown: Callable[[pa.Table, pa.Table], pa.Table],
    ) -> pa.Table:
        """Add those rows that the table does not have at the moment of the commit; returns them."""
        new = rows

        def plan(table: Table) -> Plan | None:
            nonlocal new
            present = table.scan(row_filter=known(rows), selected_fields=("source", "position")).to_arrow()
            new = unknown(rows, present)
            return Plan(write_files(table, new)) if new.num_rows else None

        commit(self._catalog, full_name(name), plan)
        return new

    def _load(self, name: str) -> Table | None:
        try:
            return renamed(self._catalog.load_table(full_name(name)))
        except NoSuchTableError:
            return None

    def _create(self, name: str, schema: pa.Schema) -> Table:
        self._make_namespace()
        whole = schema if INGESTED_AT.name in schema.names else schema.append(INGESTED_AT)
        column = partition_column(whole)
        try:
            with (
                self._catalog.create_table_transaction(
                    full_name(name), whole, properties=properties(whole)
                ) as creation,
                creation.update_spec() as spec,
            ):
                spec.add_field(column, DayTransform(), f"{column}_day")
        except (TableAlreadyExistsError, CommitFailedException):
            # Another thread was quicker, as happens with quarantine; whatever else it was, loading the table tells.
            _log.info("table was made meanwhile", table=name)
        return self._catalog.load_table(full_name(name))

    def _make_namespace(self) -> None:
        try:
            self._catalog.create_namespace_if_not_exists(BRONZE)
        except (NamespaceAlreadyExistsError, DBAPIError):
            # Another thread or process was quicker; a SQL catalog says so as a broken constraint.
            if not self._catalog.namespace_exists(BRONZE):
                raise

    def _widen(self, table: Table, schema: pa.Schema) -> None:
        _refuse_false_promotions(table, schema)
        try:
            with table.update_schema() as update:
                update.union_by_name(schema)
        except CommitFailedException:
            self._widen(self._catalog.load_table(table.name()), schema)
        except _TYPE_CHANGES_REFUSED as error:
            raise IncompatibleSchema(f"{'.'.join(table.name())}: {error}") from error


def _refuse_false_promotions(table: Table, schema: pa.Schema) -> None:
    """Raise IncompatibleSchema for steps that PyIceberg takes and the Iceberg specification does not know.

    It turns text into bytes and back, and gives a decimal another scale, which would move the points of older rows.
    """
    found = {field.name: field.field_type for field in table.schema().fields}
    for field in schema:
        stands = found.get(field.name)
        refused = (
            (isinstance(stands, StringType) and pa.types.is_binary(field.type))
            or (isinstance(stands, BinaryType) and pa.types.is_string(field.type))
            or (isinstance(stands, DecimalType) and _scale(field.type) not in (None, stands.scale))
        )
        if refused:
            raise IncompatibleSchema(f"{'.'.join(table.name())}: column {field.name} is {stands}, not {field.type}")


def _digest(position: str | None) -> str:
    """Tells positions apart without showing the key of a row, which one of a copy holds."""
    return "none" if position is None else sha256(position.encode()).hexdigest()[:12]


def _scale(kind: pa.DataType) -> int | None:
    return kind.scale if isinstance(kind, pa.Decimal128Type) else None


@contextmanager
def catalog_errors(name: str) -> Iterator[None]:
    """Turn the catalog's errors into one that says the lake is away."""
    try:
        yield
    except _AWAY as error:
        raise Unavailable(f"the lake does not answer for {name}: {error}") from error


def _described(table: Table) -> dict[str, object]:
    snapshot = table.current_snapshot()
    summary = snapshot.summary.additional_properties if snapshot and snapshot.summary else {}
    return {
        "rows": int(summary.get("total-records", 0)),
        "files": int(summary.get("total-data-files", 0)),
        "committed_at": datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC) if snapshot else None,
        "position": recorded_position(table),
        **table_files(table).figures(),
    }
