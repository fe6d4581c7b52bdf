"""`python -m transform lineage COLUMN`: the columns of bronze it comes from; with --downstream, what comes from it."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from transform import bootstrap, lineage
from transform.lineage import Lineage
from transform.settings import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add(verbs: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("lineage", help="where a column comes from, or what comes from it; reads no data")
    parser.add_argument("column", help="such as gold.fact_order.total_amount, or users.email of bronze")
    parser.add_argument("--downstream", action="store_true", help="the columns of silver and gold that come from it")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--flat", action="store_true", help="the columns of bronze alone, not the way there")
    shape.add_argument("--json", action="store_true", help="one object with direct and indirect columns")
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Print the lineage."""
    with bootstrap.lake(settings) as lake:
        known = lineage.derive(lake.spark)
    for line in told(known, chosen):
        sys.stdout.write(line + "\n")
    return 0


def told(known: Lineage, chosen: argparse.Namespace) -> Iterator[str]:
    """The answer, line by line."""
    column = known.named(chosen.column)
    direct, indirect = known.downstream(column) if chosen.downstream else _origin(known, column)
    if chosen.json:
        yield json.dumps({"column": column, "direct": direct, "indirect": indirect})
        return
    if chosen.flat or chosen.downstream:
        yield from direct
    else:
        yield column
        yield from _tree(known, column)
    yield from _summary(
        indirect, "its rows and values are also decided by" if not chosen.downstream else "decides also"
    )


def _origin(known: Lineage, column: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = known.origin(column)
    return tuple(sorted(found.direct)), tuple(sorted(found.indirect))


def _tree(known: Lineage, column: str, indent: str = "") -> Iterator[str]:
    sources = sorted(known.step(column).direct)
    for source in sources:
        last = source == sources[-1]
        yield f"{indent}{'└─' if last else '├─'} {source}"
        yield from _tree(known, source, indent + ("   " if last else "│  "))


def _summary(columns: Iterable[str], title: str) -> Iterator[str]:
    """The columns in a line per table: there are many, since a filter counts for every column."""
    of_table: dict[str, list[str]] = {}
    for name in columns:
        table, _, column = name.rpartition(".")
        of_table.setdefault(table, []).append(column)
    if of_table:
        yield f"{title}:"
    for table, names in of_table.items():
        yield f"  {table}: {', '.join(names)}"
