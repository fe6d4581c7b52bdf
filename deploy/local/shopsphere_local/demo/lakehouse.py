"""Reads the lakehouse back for the report: counts from table scans, sums through DuckDB, nothing from a counter."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Protocol

import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import AlwaysTrue, BooleanExpression, IsNull
from pyiceberg.table import Table
from shopsphere_kit.lake import BRONZE, GOLD, Release, scan_release

# Of a topic, bronze keeps every record; a rejected one has the reason in this column, and is in quarantine as well.
REJECTED = "_rejected"


class Bronze(Protocol):
    """Where the report's sums read bronze."""

    def bronze(self, table: str, columns: Sequence[str] = ...) -> pa.Table:
        """The rows of a bronze table."""
        ...

    def records(self, table: str, columns: Sequence[str]) -> pa.Table:
        """The rows of a topic's bronze table that ingest did not reject."""
        ...


class Lakehouse:
    """Bronze as it stands, silver and gold as one release has them."""

    def __init__(self, catalog: Catalog, release: Release) -> None:
        self._catalog = catalog
        self.release = release

    def bronze(self, table: str, columns: Sequence[str] = ("*",)) -> pa.Table:
        """The rows of a bronze table."""
        return self._catalog.load_table(f"{BRONZE}.{table}").scan(selected_fields=tuple(columns)).to_arrow()

    def records(self, table: str, columns: Sequence[str]) -> pa.Table:
        """The rows of a topic's bronze table that ingest did not reject."""
        found = self._catalog.load_table(f"{BRONZE}.{table}")
        return found.scan(_good(found), tuple(columns)).to_arrow()

    def record_counts(self, table: str) -> tuple[int, int]:
        """Rows of a topic's bronze table: those that ingest took for good, and those that it rejected."""
        found = self._catalog.load_table(f"{BRONZE}.{table}")
        good = found.scan(_good(found)).count()
        return good, found.scan().count() - good

    def published(self, table: str, columns: Sequence[str] = ("*",)) -> pa.Table:
        """The rows of "silver.…" or "gold.…" in the release."""
        return scan_release(self._catalog, self.release, table, columns)

    def bronze_counts(self) -> dict[str, int]:
        """Rows per bronze table, quarantine among them."""
        names = sorted(name for _, name in self._catalog.list_tables(BRONZE))
        return {name: self._catalog.load_table(f"{BRONZE}.{name}").scan().count() for name in names}

    def published_counts(self, namespace: str) -> dict[str, int]:
        """Rows per table of the release in one namespace."""
        return {
            name.removeprefix(f"{namespace}."): self._catalog.load_table(name).scan(snapshot_id=snapshot).count()
            for name, snapshot in sorted(self.release.snapshots.items())
            if name.startswith(f"{namespace}.")
        }

    def quarantined(self, source: str) -> int:
        """Rows of bronze.quarantine that came from a source ("kafka:events")."""
        try:
            rows = self.bronze("quarantine", ("source",))
        except NoSuchTableError:
            return 0
        return int(query("SELECT count(*) FROM rows WHERE source = $source", {"rows": rows}, source=source)[0][0])

    def rejected(self, table: str) -> int:
        """Rows of silver.quarantine that a silver table refused."""
        rows = self.published("silver.quarantine", ("table",))
        return int(query('SELECT count(*) FROM rows WHERE "table" = $name', {"rows": rows}, name=table)[0][0])

    def fact_order(self) -> dict[str, int | str]:
        """Rows, quantity and total_amount of gold.fact_order; the amount as an exact decimal string."""
        rows = self.published(f"{GOLD}.fact_order", ("quantity", "total_amount"))
        count, quantity, amount = query(
            "SELECT count(*), coalesce(sum(quantity), 0), coalesce(sum(total_amount), 0) FROM rows", {"rows": rows}
        )[0]
        return {"rows": count, "quantity": int(quantity), "total_amount": str(Decimal(amount))}

    def dim_users(self) -> dict[str, int]:
        """Versions, current versions and distinct customers of gold.dim_users, the unknown member left out."""
        rows = self.published(f"{GOLD}.dim_users", ("user_key", "is_current", "customer_id"))
        versions, current, customers = query(
            "SELECT count(*), count(*) FILTER (is_current), count(DISTINCT customer_id) FROM rows WHERE user_key <> 0",
            {"rows": rows},
        )[0]
        return {"rows": versions, "current": current, "customers": customers}


def _good(table: Table) -> BooleanExpression:
    """The rows that were not rejected; a table from before rejected rows were kept has no such column."""
    return IsNull(term=REJECTED) if REJECTED in table.schema().column_names else AlwaysTrue()


def query(sql: str, tables: dict[str, pa.Table], **parameters: object) -> list[tuple[Any, ...]]:
    """Run SQL over Arrow tables in a DuckDB of its own."""
    with _database(tables) as connection:
        return connection.execute(sql, parameters or None).fetchall()


def query_arrow(sql: str, tables: dict[str, pa.Table]) -> pa.Table:
    """The same, keeping every value's type exactly."""
    with _database(tables) as connection:
        return connection.execute(sql).to_arrow_table()


@contextmanager
def _database(tables: dict[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        yield connection
