"""The data of TPC-H in a PostgreSQL database, and checksums that say whether a copy of it is exact.

Made by `tpcgen-cli`, which writes what TPC's own generator writes; the files stay in the cache.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import psycopg2
from ingest_servers import cache, execute, row
from tool_environment import tool_environment

GENERATOR = ("tpcgen-cli==4.0.0",)
TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")
SCHEMA = Path(__file__).with_suffix(".sql")

# An exact sum over a column, by the kind of its type. Of text it is over the first 32 bits of each value's MD5.
_IN_POSTGRES = {
    "integer": "sum({0})",
    "decimal": "sum({0}) * 100",
    "date": "sum({0} - date '1970-01-01')",
    # `concat` keeps the blanks that char(n) is filled up with, which a cast to text would drop.
    "text": "sum(('x' || left(md5(concat({0})), 8))::bit(32)::bigint)",
}
_IN_DUCKDB = _IN_POSTGRES | {
    "date": "sum({0}::date - date '1970-01-01')",
    "text": "sum(('0x' || left(md5({0}), 8))::bigint)",
}
_KINDS = {"bigint": "integer", "integer": "integer", "numeric": "decimal", "date": "date"}

Figures = Mapping[str, object]
"""Of one table: `rows`, and of each column how many values it has and the sum over them."""


def generate(scale: float) -> Path:
    """The folder with one CSV file per table, made when it is not there."""
    folder = cache() / f"tpch-sf{scale:g}"
    if not folder.exists():
        print(f"generating TPC-H at scale factor {scale:g} into {folder}", flush=True)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        program = tool_environment("bench-tpch", GENERATOR) / "bin" / "tpcgen-cli"
        command = [str(program), "tpch", "csv", "-s", f"{scale:g}", f"--output-dir={partial}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        partial.rename(folder)
    return folder


@dataclass
class Source:
    """A database that has the tables, filled once."""

    dsn: str

    def load(self, folder: Path) -> None:
        """Make the tables and fill them from files."""
        execute(self.dsn, SCHEMA.read_text())
        for table in TABLES:
            session = psycopg2.connect(self.dsn)
            with session, session.cursor() as cursor, (folder / f"{table}.csv").open("rb") as file:
                cursor.copy_expert(f"copy {table} from stdin (format csv, header true)", file)
            session.close()
        # So that no reader pays for the first look at a page.
        execute(self.dsn, "vacuum (freeze, analyze)", "checkpoint")

    @cached_property
    def columns(self) -> dict[str, list[tuple[str, str]]]:
        """Of each table the columns with the kind of their type."""
        query = """select jsonb_agg(jsonb_build_array(column_name, data_type) order by ordinal_position)
            from information_schema.columns where table_schema = 'public' and table_name = '{}'"""
        found = {table: row(self.dsn, query.format(table))[0] for table in TABLES}
        return {table: [(name, _KINDS.get(type_, "text")) for name, type_ in found[table]] for table in TABLES}

    @cached_property
    def figures(self) -> dict[str, Figures]:
        """The figures of each table."""
        return {table: self._named(table, row(self.dsn, self._query(table, table, _IN_POSTGRES))) for table in TABLES}

    @cached_property
    def rows(self) -> dict[str, int]:
        """How many rows each table has."""
        return {table: int(row(self.dsn, f"select count(*) from {table}")[0]) for table in TABLES}  # noqa: S608

    def differences(self, copy: Mapping[str, Sequence[str]]) -> list[str]:
        """What is not equal in Parquet files by table, as `table.figure`; empty when the copy is exact."""
        unequal = []
        with duckdb.connect() as session:
            for table, paths in copy.items():
                query = self._query(table, f"read_parquet({list(paths)})", _IN_DUCKDB)
                found = self._named(table, session.sql(query).fetchall()[0])
                unequal += [f"{table}.{name}" for name, one in self.figures[table].items() if one != found[name]]
        return unequal

    def _query(self, table: str, relation: str, sums: Mapping[str, str]) -> str:
        parts = ["count(*)"]
        for name, kind in self.columns[table]:
            parts += [f"count({name})", sums[kind].format(name)]
        return f"select {', '.join(parts)} from {relation}"  # noqa: S608

    def _named(self, table: str, figures: Sequence[object]) -> Figures:
        names = [f"{what}({name})" for name, _ in self.columns[table] for what in ("count", "sum")]
        return dict(zip(["rows", *names], figures, strict=True))
