"""`maintain`: merges files, lets old releases and snapshots go, removes orphans, beside everything that runs."""

import argparse
from typing import Any

from shopsphere_kit.clock import SystemClock

from transform import bootstrap, maintenance
from transform.settings import Settings
from transform.verbs.printing import print_json


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("maintain", help="merge files, expire releases and snapshots, remove orphans")
    parser.add_argument("--seconds", type=float, help="start no further table after so many seconds; default: no limit")
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """1 when a table had to be left as it was."""
    catalog = bootstrap.catalog(settings)
    report = maintenance.maintain(
        catalog, lambda: bootstrap.lake(settings), settings.limits, SystemClock(), chosen.seconds
    )
    print_json(report.as_json())
    return 1 if report.failures else 0
