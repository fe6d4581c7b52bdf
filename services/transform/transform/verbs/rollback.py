"""`python -m transform rollback`: readers are back on the release before, or on the one named."""

import argparse
from typing import TYPE_CHECKING

from shopsphere_kit.clock import SystemClock

from transform import bootstrap, rollback
from transform.settings import Settings
from transform.verbs.printing import print_json

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add(verbs: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser("rollback", help="return to the release before; again: one further back")
    parser.add_argument("--to", metavar="RELEASE", help="id of the release to return to; default: the one before")
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Print the row that was added to gold.releases."""
    row = rollback.rollback(bootstrap.catalog(settings), SystemClock(), chosen.to)
    print_json({"release": row.release_id, "shows": row.content, "rolled_back_from": row.rolled_back_from})
    return 0
