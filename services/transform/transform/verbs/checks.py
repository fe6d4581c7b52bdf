"""`checks`: the checks of a release, made anew, and what its quarantine holds."""

import argparse
from dataclasses import asdict
from typing import Any

from shopsphere_kit.clock import SystemClock

from transform import bootstrap, jobs
from transform.freshness import freshness
from transform.settings import Settings
from transform.verbs.pinning import pinned
from transform.verbs.printing import print_json


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("checks", help="check the tables of a release again")
    parser.add_argument("--release", help="id of a release; default: the newest")
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """0 when all hold, 1 when one fails."""
    with bootstrap.lake(settings) as lake:
        found = pinned(lake.catalog, chosen.release)
        results = jobs.check_release(lake, found)
        quarantined = jobs.quarantined(lake, found)
        stale = [each.table for each in freshness(lake.catalog) if each.is_stale(SystemClock().now())]
    failing = [asdict(result) for result in results if not result.holds]
    told = {"checks": len(results), "failing": failing, "quarantined": quarantined, "stale_sources": stale}
    print_json({"release": found.release_id, **told})
    return 1 if failing else 0
