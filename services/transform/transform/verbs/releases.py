"""`releases`: what can be read."""

import argparse
from dataclasses import asdict
from typing import Any

from transform import bootstrap, release
from transform.settings import Settings
from transform.verbs.printing import print_json


def add(verbs: Any) -> None:
    """Add the verb."""
    verbs.add_parser("releases", help="list the published releases, newest first").set_defaults(act=run)


def run(settings: Settings, _: argparse.Namespace) -> int:
    """One line per release."""
    for row in release.published(bootstrap.catalog(settings)):
        print_json({**asdict(row), "created_at": row.created_at.isoformat()})
    return 0
