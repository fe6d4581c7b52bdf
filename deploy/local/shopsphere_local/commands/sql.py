"""`shopsphere sql`: one query over silver and gold, exactly as one release has them."""

import argparse
import importlib
import json
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from shopsphere_kit import lake

from shopsphere_local import query
from shopsphere_local.commands.options import state
from shopsphere_local.environment import lake_settings

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("sql", help="ask silver and gold a question, by DuckDB or Spark")
    parser.add_argument("query", help='such as "select channel, sum(total_amount) from gold.fact_order group by 1"')
    parser.add_argument("--release", metavar="ID", help="the release to read (default: the newest)")
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="json: one object per line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the answer."""
    here, console = state(), Console(stderr=True)
    here.prepare()
    settings = lake_settings(here)
    catalog = lake.open_catalog(settings)
    release = query.pinned(catalog, args.release)
    with console.status(f"{args.engine} reads {release.release_id}"):
        if args.engine == "spark":
            # Imported here: Spark is slow to load, and most questions go to DuckDB.
            answer = importlib.import_module("shopsphere_local.spark_query").run(
                settings, here.cache, release, args.query
            )
        else:
            answer = query.run(catalog, release, args.query)
    _print(answer, release.release_id, as_json=args.format == "json")
    return 0


def _print(answer: pa.Table, release_id: str, *, as_json: bool) -> None:
    if as_json:
        for row in answer.to_pylist():
            sys.stdout.write(json.dumps(row, default=str, ensure_ascii=False) + "\n")
        return
    shown = Table()
    for field in answer.schema:
        shown.add_column(field.name, overflow="fold", justify="right" if _is_number(field.type) else "left")
    for row in zip(*(column.to_pylist() for column in answer.columns), strict=True):
        shown.add_row(*("" if value is None else str(value) for value in row))
    console = Console()
    console.print(shown, markup=False)
    rows = "1 row" if answer.num_rows == 1 else f"{answer.num_rows:,} rows"
    console.print(f"{rows} of release {release_id}", highlight=False, soft_wrap=True)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind))
