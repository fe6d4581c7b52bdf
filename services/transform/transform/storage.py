"""Tables in the lake: made with their properties, written to the branch of a run, read at a snapshot, made current."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import Table as IcebergTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from shopsphere_kit.lake import personal_columns_properties
from shopsphere_kit.suppression import Suppressions

from transform.errors import SchemaMismatch
from transform.spec import Stored

# A run writes to a branch of its own, so that another one cannot disturb it, and drops it; one that is left behind
# belongs to a run that was killed.
RUN_BRANCH = "run_"
# Maintenance commits a few times to a table, and not once in the milliseconds between a look and a commit.
_ATTEMPTS_MAX = 10
_METRICS = "write.metadata.metrics"
# PyIceberg writes no format 3.
_FORMAT = {"format-version": "2"}
# Rows taken out by position would have to be put together again by every reader.
_PROPERTIES = {
    "write.delete.mode": "copy-on-write",
    "write.update.mode": "copy-on-write",
    "write.merge.mode": "copy-on-write",
    # What is left of a file after a delete stays together in its order; there is nothing to send between tasks.
    "write.delete.distribution-mode": "none",
    # A run looks for some keys among many: of a file it reads only the row groups that may have them.
    "write.parquet.row-group-size-bytes": str(1 << 20),
}


@dataclass(frozen=True)
class Lake:
    """One catalog, seen by Spark (rows) and by PyIceberg (metadata, which costs no Spark job)."""

    session: Callable[[], SparkSession]
    catalog: Catalog
    name: str
    suppressed: Callable[[], Suppressions] = lambda: Suppressions(b"")
    """Who was erased, and must not come back from what bronze may hold of them again."""

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

    def changes_between(self, table: str, after: int | None, until: int) -> DataFrame:
        """The rows that were appended to a table after one snapshot, until another."""
        if after is None:
            return self.at_snapshot(table, until)
        reader = self.spark.read.option("start-snapshot-id", after).option("end-snapshot-id", until)
        return reader.table(self.full_name(table))

    def prepare(self, table: Stored, branch: str, base: int | None) -> None:
        """Make the table, or add the columns it lacks, and start the branch at `base`, or at nothing."""
        if not self.catalog.table_exists(table.name):
            self.spark.sql(_create_statement(self.full_name(table.name), table))
            if table.sorted_by:
                self.spark.sql(f"ALTER TABLE {self.full_name(table.name)} WRITE {_ordering(table)}")
        _until_committed(lambda: self._evolve(table, self.catalog.load_table(table.name)))
        if base is not None:
            _until_committed(lambda: self._start(table, branch, base))
        else:
            self.spark.sql(f"ALTER TABLE {self.full_name(table.name)} CREATE BRANCH {branch}")

    def _start(self, table: Stored, branch: str, base: int) -> None:
        with self.catalog.load_table(table.name).manage_snapshots() as manage:
            manage.create_branch(base, branch)

    def replace(self, table: Stored, branch: str, rows: DataFrame) -> int:
        """Let the branch have these rows and no others; the snapshot that does."""
        check_schema(rows.schema, table)
        rows.writeTo(f"{self.full_name(table.name)}.branch_{branch}").overwrite(F.lit(True))
        return self._head(table, branch)

    def append(self, table: Stored, branch: str, rows: DataFrame) -> int:
        """Add rows to the branch; the snapshot that has them."""
        rows.writeTo(f"{self.full_name(table.name)}.branch_{branch}").append()
        return self._head(table, branch)

    def take_out(self, table: Stored, branch: str, grains: DataFrame, located: str) -> int:
        """Remove rows by their grain from the branch; `located` holds of all of them."""
        view = f"taken_out_{branch}_{table.name.replace('.', '_')}"
        grains.createOrReplaceTempView(view)
        same = " AND ".join(f"stored.`{name}` = gone.`{name}`" for name in table.grain)
        # The names are ours, and the values in `located` are literals.
        self.spark.sql(
            f"DELETE FROM {self.full_name(table.name)}.branch_{branch} AS stored "  # noqa: S608
            f"WHERE {located} AND EXISTS (SELECT 1 FROM {view} AS gone WHERE {same})"
        )
        self.spark.catalog.dropTempView(view)
        return self._head(table, branch)

    def drop_branches(self, table: str, unwanted: Callable[[str], bool]) -> None:
        """Remove the branches of runs that are over."""
        stored = self.catalog.load_table(table)
        names = [name for name in stored.metadata.refs if name.startswith(RUN_BRANCH) and unwanted(name)]
        if names:
            with stored.manage_snapshots() as manage:
                for name in names:
                    manage.remove_branch(name)

    def _head(self, table: Stored, branch: str) -> int:
        return self.catalog.load_table(table.name).metadata.refs[branch].snapshot_id

    def _evolve(self, table: Stored, stored: IcebergTable) -> None:
        wanted = _properties(table)
        if not wanted.items() <= stored.properties.items():
            with stored.transaction() as change:
                change.set_properties(wanted)
        known = set(stored.schema().column_names)
        added = [field for field in table.schema.fields if field.name not in known]
        if added:
            columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in added)
            self.spark.sql(f"ALTER TABLE {self.full_name(table.name)} ADD COLUMNS ({columns})")


def _until_committed(act: Callable[[], None]) -> None:
    """Look at the table and commit, again when somebody else (maintenance) committed in between."""
    for _ in range(_ATTEMPTS_MAX - 1):
        try:
            return act()
        except CommitFailedException:
            continue
    return act()


def move_main(catalog: Catalog, table: str, snapshot_id: int) -> None:
    """Let main be that snapshot, whatever it was."""
    stored = catalog.load_table(table)
    current = stored.current_snapshot()
    if current is None or current.snapshot_id != snapshot_id:
        with stored.manage_snapshots() as manage:
            manage.set_current_snapshot(snapshot_id)


def check_schema(found: StructType, table: Stored) -> None:
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


def _create_statement(full_name: str, table: Stored) -> str:
    columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in table.schema.fields)
    partitions = f"PARTITIONED BY ({', '.join(table.partitioned_by)}) " if table.partitioned_by else ""
    properties = ", ".join(f"'{name}' = '{value}'" for name, value in (_FORMAT | _properties(table)).items())
    return f"CREATE TABLE IF NOT EXISTS {full_name} ({columns}) USING iceberg {partitions}TBLPROPERTIES ({properties})"


def _ordering(table: Stored) -> str:
    # Within a partition the order makes the ranges of values in files narrow, so that readers open few.
    distributed = "DISTRIBUTED BY PARTITION LOCALLY " if table.partitioned_by else ""
    return f"{distributed}ORDERED BY {', '.join(table.sorted_by)}"


def _properties(table: Stored) -> dict[str, str]:
    # The first kind keeps values out of the manifests, the second out of the footers of the Parquet files.
    personal = personal_columns_properties(table.personal_leaves) | _no_footer_statistics(table.personal_leaves)
    return _PROPERTIES | personal
