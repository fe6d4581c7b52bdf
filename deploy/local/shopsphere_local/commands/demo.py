"""`shopsphere demo`: the main job on real input."""

import argparse
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from shopsphere_local.commands.options import add_port_base

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs

_DAYS_OF_THE_YEAR = 365
# The fraud model learns on the days before those that are scored, so there must be two.
_DAYS_MIN = 2


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("demo", help="replay real shopping days through the whole platform and leave it up")
    parser.add_argument("--days", type=_days, default=28, metavar="N", help="days to replay, 2 to 365 (default 28)")
    parser.add_argument("--once", action="store_true", help="stop everything when the report is written")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report as JSON")
    add_port_base(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo; its exit code is not 0 when a promise of the report does not hold."""
    # Imported here: it brings in pandas and Faker, which no other verb needs.
    return int(importlib.import_module("shopsphere_local.demo").run(args))


def _days(text: str) -> int:
    days = int(text)
    if not _DAYS_MIN <= days <= _DAYS_OF_THE_YEAR:
        raise argparse.ArgumentTypeError(f"{days} is not between {_DAYS_MIN} and {_DAYS_OF_THE_YEAR}")
    return days
