"""The data of TPC-H in a PostgreSQL database, and checksums that say whether a copy of it is exact.

Made by `tpcgen-cli`, which writes what TPC's own generator writes; the files stay in the cache.
"""

import subprocess
from pathlib import Path

import duckdb
import psycopg2
from ingest_servers import cache, execute, row
from tool_environment import tool_environment

GENERATOR = ("tpcgen-cli==4.0.0",)
# TPC-H specification 3.0.1, 1.4.1: the tables with their types, and the primary keys of 1.4.2.
TABLES: dict[str, tuple[str, str]] = {
    "region": ("r_regionkey integer, r_name char(25), r_comment varchar(152)", "r_regionkey"),
    "nation": ("n_nationkey integer, n_name char(25), n_regionkey integer, n_comment varchar(152)", "n_nationkey"),
    "supplier": (
        "s_suppkey integer, s_name char(25), s_address varchar(40), s_nationkey integer, s_phone char(15), "
        "s_acctbal decimal(15,2), s_comment varchar(101)",
        "s_suppkey",
    ),
    "customer": (
        "c_custkey integer, c_name varchar(25), c_address varchar(40), c_nationkey integer, c_phone char(15), "
        "c_acctbal decimal(15,2), c_mktsegment char(10), c_comment varchar(117)",
        "c_custkey",
    ),
    "part": (
        "p_partkey integer, p_name varchar(55), p_mfgr char(25), p_brand char(10), p_type varchar(25), "
        "p_size integer, p_container char(10), p_retailprice decimal(15,2), p_comment varchar(23)",
        "p_partkey",
    ),
    "partsupp": (
        "ps_partkey integer, ps_suppkey integer, ps_availqty integer, ps_supplycost decimal(15,2), "
        "ps_comment varchar(199)",
        "ps_partkey, ps_suppkey",
    ),
    "orders": (
        "o_orderkey bigint, o_custkey integer, o_orderstatus char(1), o_totalprice decimal(15,2), o_orderdate date, "
        "o_orderpriority char(15), o_clerk char(15), o_shippriority integer, o_comment varchar(79)",
        "o_orderkey",
    ),
    "lineitem": (
        "l_orderkey bigint, l_partkey integer, l_suppkey integer, l_linenumber integer, l_quantity decimal(15,2), "
        "l_extendedprice decimal(15,2), l_discount decimal(15,2), l_tax decimal(15,2), l_returnflag char(1), "
        "l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct char(25), "
        "l_shipmode char(10), l_comment varchar(44)",
        "l_orderkey, l_linenumber",
    ),
}


def generate(scale: float) -> Path:
    """The folder with one CSV file per table, made when it is not there."""
    folder = cache() / f"tpch-sf{scale:g}"
    if not folder.exists():
        print(f"generating TPC-H at scale factor {scale:g} into {folder}", flush=True)
        partial = folder.with_suffix(".partial")
        program = tool_environment("bench-tpch", GENERATOR) / "bin" / "tpcgen-cli"
        command = [program, "tpch", "csv", "-s", f"{scale:g}", f"--output-dir={partial}", "--overwrite"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        partial.rename(folder)
    return folder


def load(dsn: str, folder: Path) -> dict[str, int]:
    """Make the tables and fill them; returns how many rows each has."""
    for table, (columns, key) in TABLES.items():
        execute(dsn, f"create table {table} ({columns})")
        with psycopg2.connect(dsn) as session, session.cursor() as cursor, (folder / f"{table}.csv").open("rb") as file:
            cursor.copy_expert(f"copy {table} from stdin (format csv, header true)", file)
        session.close()
        execute(dsn, f"alter table {table} add primary key ({key})")
    # So that no reader pays for the first look at a page.
    execute(dsn, "vacuum (freeze, analyze)", "checkpoint")
    return {table: int(row(dsn, f"select count(*) from {table}")[0]) for table in TABLES}  # noqa: S608


def checksums_of_source(dsn: str) -> dict[str, tuple[int, ...]]:
    """One tuple of whole numbers per table: rows, then two figures per column."""
    # `concat` keeps the blanks that char(n) is filled up with, which a cast to text would drop.
    text = "sum(('x' || left(md5(concat({0})), 8))::bit(32)::bigint)"
    sums = {"date": "sum({0} - date '1970-01-01')", "decimal": "sum({0}) * 100", "text": text}
    return {table: _whole(row(dsn, _query(table, table, sums))) for table in TABLES}


def checksums_of_files(files: dict[str, list[str]]) -> dict[str, tuple[int, ...]]:
    """The same of Parquet files, by table."""
    text = "sum(('0x' || left(md5({0}), 8))::bigint)"
    sums = {"date": "sum({0}::date - date '1970-01-01')", "decimal": "sum({0}) * 100", "text": text}
    with duckdb.connect() as session:
        found = {table: session.sql(_query(table, f"read_parquet({paths})", sums)) for table, paths in files.items()}
        return {table: _whole(relation.fetchall()[0]) for table, relation in found.items()}


def differences(one: dict[str, tuple[int, ...]], two: dict[str, tuple[int, ...]]) -> list[str]:
    """What is not equal, as `table.column`; empty when a copy is exact."""
    unequal = []
    for table, figures in one.items():
        names = ["rows", *(name for name, _ in _columns(table) for _ in range(2))]
        others = two.get(table, ())
        if len(others) != len(figures):
            unequal.append(table)
            continue
        unequal += [f"{table}.{name}" for name, left, right in zip(names, figures, others, strict=True) if left != right]
    return unequal


def _columns(table: str) -> list[tuple[str, str]]:
    return [tuple(column.split(" ", 1)) for column in TABLES[table][0].split(", ")]  # type: ignore[misc]


def _query(table: str, relation: str, sums: dict[str, str]) -> str:
    """Of each column how many values it has and an exact sum over them."""
    parts = ["count(*)"]
    for name, type_ in _columns(table):
        kind = "text" if "char" in type_ else type_.split("(")[0]
        parts += [f"count({name})", sums.get(kind, "sum({0})").format(name)]
    return f"select {', '.join(parts)} from {relation}"  # noqa: S608


def _whole(figures: tuple[object, ...]) -> tuple[int, ...]:
    """As whole numbers; a figure with a fraction (a copy that went through a float, say) is refused."""
    whole = tuple(int(figure) for figure in figures)  # type: ignore[call-overload]
    assert all(one == two for one, two in zip(whole, figures, strict=True)), f"not whole: {figures}"
    return whole
