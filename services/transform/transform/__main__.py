"""`python -m transform VERB`, of which `--help` lists all: each prints JSON on standard output."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pyiceberg.catalog import Catalog
from shopsphere_kit import lake as kit_lake
from shopsphere_kit import logging
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.lake import Release
from shopsphere_kit.settings import read

from transform import bootstrap, jobs, maintenance, release
from transform.errors import NoRelease
from transform.settings import Settings
from transform.verbs import VERBS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0 when it went well, 1 with the trouble on standard error when not."""
    chosen = _parser().parse_args(arguments)
    settings = read(Settings)
    logging.configure("transform", settings.runtime.log_level)
    verbs = {"run": _run, "releases": _releases, "checks": _checks, "hash": _hash, "maintain": _maintain}
    try:
        act = getattr(chosen, "act", None) or verbs[chosen.verb]
        return int(act(settings, chosen))
    except ShopSphereError as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m transform", description="Builds silver and gold from bronze.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("run", help="build every table, check them, publish them as one release")
    verbs.add_parser("releases", help="list the published releases, newest first")
    for verb, text in (("checks", "check the tables of a release again"), ("hash", "print a content hash per table")):
        verbs.add_parser(verb, help=text).add_argument("--release", help="id of a release; default: the newest")
    upkeep = verbs.add_parser("maintain", help="merge files, expire snapshots, remove orphans of bronze, beside ingest")
    upkeep.add_argument("--seconds", type=float, help="start no further table after so many seconds; default: no limit")
    for each in VERBS:
        each.add(verbs)
    return parser


def _run(settings: Settings, _: argparse.Namespace) -> int:
    with bootstrap.lake(settings) as lake:
        done = jobs.run(lake, SystemClock())
    _print(
        {
            "release": done.published.release_id if done.published else None,
            "rows": done.rows,
            "conservation": {
                balance.table: {
                    "in": balance.came_in,
                    "out": balance.out,
                    "quarantined": balance.quarantined,
                    "repeated": balance.repeated,
                }
                for balance in done.conservation
            },
            "checks": len(done.results),
            "seconds": done.seconds,
        }
    )
    return 0


def _releases(settings: Settings, _: argparse.Namespace) -> int:
    for row in release.published(bootstrap.catalog(settings)):
        _print({**asdict(row), "created_at": row.created_at.isoformat()})
    return 0


def _checks(settings: Settings, chosen: argparse.Namespace) -> int:
    with bootstrap.lake(settings) as lake:
        pinned = _pinned(lake.catalog, chosen.release)
        results = jobs.check_release(lake, pinned)
        quarantined = jobs.quarantined(lake, pinned)
    failing = [asdict(result) for result in results if not result.holds]
    _print({"release": pinned.release_id, "checks": len(results), "failing": failing, "quarantined": quarantined})
    return 1 if failing else 0


def _hash(settings: Settings, chosen: argparse.Namespace) -> int:
    with bootstrap.lake(settings) as lake:
        pinned = _pinned(lake.catalog, chosen.release)
        _print({"release": pinned.release_id, "tables": jobs.hashes(lake, pinned)})
    return 0


def _maintain(settings: Settings, chosen: argparse.Namespace) -> int:
    catalog = bootstrap.catalog(settings)
    report = maintenance.maintain(
        catalog, lambda: bootstrap.lake(settings), settings.limits, SystemClock(), chosen.seconds
    )
    _print(report.as_json())
    return 1 if report.failures else 0


def _pinned(catalog: Catalog, release_id: str | None) -> Release:
    if release_id:
        return kit_lake.release(catalog, release_id)
    newest = kit_lake.latest_release(catalog)
    if newest is None:
        raise NoRelease("nothing was published yet; `python -m transform run` makes the first release")
    return newest


def _print(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    sys.exit(main())
