"""Tables in the lake: made with their properties, written to the audit branch, read at a snapshot, made current."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table as IcebergTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from shopsphere_kit.lake import personal_columns_properties

from transform.errors import SchemaMismatch
from transform.spec import Table

AUDIT = "audit"
_METRICS = "write.metadata.metrics"
# Marks each snapshot with the run that wrote it, in the snapshot's summary.
RUN_PROPERTY = "shopsphere.run"
# PyIceberg writes no format 3, and change log views fail on merge-on-read.
_PROPERTIES = {
    "format-version": "2",
    "write.delete.mode": "copy-on-write",
    "write.update.mode": "copy-on-write",
    "write.merge.mode": "copy-on-write",
}


@dataclass(frozen=True)
class Lake:
    """One catalog, seen by Spark (rows) and by PyIceberg (metadata, which costs no Spark job)."""

    session: Callable[[], SparkSession]
    catalog: Catalog
    name: str

    @property
    def spark(self) -> SparkSession:
        """The session; what never asks for it starts no Spark."""
        return self.session()

    def full_name(self, table: str) -> str:
        """The table's name with its catalog, as Spark wants it."""
        return f"{self.name}.{table}"

    def current_snapshot(self, table: str) -> int | None:
        """The snapshot readers of the main branch see; None when there is no table or nothing in it."""
        try:
            snapshot = self.catalog.load_table(table).current_snapshot()
        except NoSuchTableError:
            return None
        return snapshot.snapshot_id if snapshot else None

    def at_snapshot(self, table: str, snapshot_id: int) -> DataFrame:
        """The rows of a table as of a snapshot."""
        return self.spark.read.option("versionAsOf", snapshot_id).table(self.full_name(table))

    def prepare(self, table: Table) -> None:
        """Make the table, or add the columns it lacks, and start its audit branch where main is."""
        self.spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {self.full_name(table.name.split('.')[0])}")
        self.spark.sql(_create_statement(self.full_name(table.name), table))
        self._evolve(table)
        # Iceberg cannot point a branch at a main that is still empty; the next write replaces all rows anyhow.
        start = "BRANCH IF NOT EXISTS" if self.current_snapshot(table.name) is None else "OR REPLACE BRANCH"
        self.spark.sql(f"ALTER TABLE {self.full_name(table.name)} CREATE {start} {AUDIT}")

    def write_audit(self, table: Table, rows: DataFrame, run_id: str) -> int:
        """Replace the rows of the audit branch; the snapshot that did it. Main and its readers are not touched."""
        check_schema(rows.schema, table)
        writer = rows.writeTo(f"{self.full_name(table.name)}.branch_{AUDIT}")
        writer.option(f"snapshot-property.{RUN_PROPERTY}", run_id).overwrite(F.lit(True))
        # The head of the branch may be another run's by now; the mark is this run's alone.
        return next(
            snapshot.snapshot_id
            for snapshot in reversed(self.catalog.load_table(table.name).snapshots())
            if snapshot.summary and snapshot.summary.additional_properties.get(RUN_PROPERTY) == run_id
        )

    def move_main(self, table: str, snapshot_id: int) -> None:
        """Let main be that snapshot, whatever it was."""
        stored = self.catalog.load_table(table)
        current = stored.current_snapshot()
        if current is None or current.snapshot_id != snapshot_id:
            with stored.manage_snapshots() as manage:
                manage.set_current_snapshot(snapshot_id)

    def _evolve(self, table: Table) -> None:
        stored = {
            field.name: field.dataType.simpleString() for field in self.spark.table(self.full_name(table.name)).schema
        }
        added = [field for field in table.schema.fields if field.name not in stored]
        if added:
            columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in added)
            self.spark.sql(f"ALTER TABLE {self.full_name(table.name)} SET TBLPROPERTIES ({_properties(table)})")
            self.spark.sql(f"ALTER TABLE {self.full_name(table.name)} ADD COLUMNS ({columns})")


def check_schema(found: StructType, table: Table) -> None:
    """Raise SchemaMismatch, column by column, when rows do not have the table's SCHEMA; nulls are checked later."""
    have = {field.name: field.dataType.simpleString() for field in found.fields}
    want = {field.name: field.dataType.simpleString() for field in table.schema.fields}
    troubles = [
        f"{name}: {have.get(name, 'missing')}, declared {kind}" for name, kind in want.items() if have.get(name) != kind
    ]
    troubles += [f"{name}: not declared" for name in have if name not in want]
    if troubles or list(have) != list(want):
        raise SchemaMismatch(f"{table.name} differs from its SCHEMA: " + ("; ".join(troubles) or "order of columns"))


def without_footer_statistics(table: IcebergTable) -> dict[str, str]:
    """The properties that keep the columns of a stored table out of the footers that are out of its manifests."""
    default = table.properties.get(f"{_METRICS}.default")
    modes = {name: table.properties.get(f"{_METRICS}.column.{name}", default) for name in _leaves(table)}
    return _no_footer_statistics(name for name, mode in modes.items() if mode == "none")


def _leaves(table: IcebergTable) -> list[str]:
    schema = table.schema()
    return [name for name in schema.column_names if schema.find_type(name).is_primitive]


def _no_footer_statistics(leaves: Iterable[str]) -> dict[str, str]:
    return {f"write.parquet.stats-enabled.column.{leaf}": "false" for leaf in leaves}


def _create_statement(full_name: str, table: Table) -> str:
    columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in table.schema.fields)
    partitions = f"PARTITIONED BY ({', '.join(table.partitioned_by)}) " if table.partitioned_by else ""
    properties = f"TBLPROPERTIES ({_properties(table)})"
    return f"CREATE TABLE IF NOT EXISTS {full_name} ({columns}) USING iceberg {partitions}{properties}"


def _properties(table: Table) -> str:
    # The first kind keeps values out of the manifests, the second out of the footers of the Parquet files.
    properties = _PROPERTIES | personal_columns_properties(table.personal_leaves)
    properties |= _no_footer_statistics(table.personal_leaves)
    return ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())
