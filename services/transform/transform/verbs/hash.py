"""`hash`: what the tables of a release hold, as one number each."""

import argparse
from typing import Any

from transform import bootstrap, jobs
from transform.settings import Settings
from transform.verbs.pinning import pinned
from transform.verbs.printing import print_json


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("hash", help="print a content hash per table")
    parser.add_argument("--release", help="id of a release; default: the newest")
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Whatever the order of rows and files, the same rows have the same hash."""
    with bootstrap.lake(settings) as lake:
        found = pinned(lake.catalog, chosen.release)
        print_json({"release": found.release_id, "tables": jobs.hashes(lake, found)})
    return 0
