"""`python -m transform run | releases | checks | hash | maintain | …`: each prints JSON on standard output."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from shopsphere_kit.errors import ShopSphereError

from transform import verbs

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from shopsphere_kit.lake import Release

    from transform.settings import Settings

# Spark and PyIceberg take three seconds to load, so the verbs load what they need: `resolve` needs neither.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0 when it went well, 1 with the trouble on standard error when not."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    chosen = _parser(given).parse_args(given)
    try:
        return int(chosen.act(_settings() if chosen.needs_settings else None, chosen))
    except ShopSphereError as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        return 1


def _settings() -> "Settings":
    from shopsphere_kit import logging  # noqa: PLC0415
    from shopsphere_kit.settings import read  # noqa: PLC0415

    from transform.settings import Settings  # noqa: PLC0415

    settings = read(Settings)
    logging.configure("transform", settings.runtime.log_level)
    return settings


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m transform", description="Builds silver and gold from bronze.")
    parser.set_defaults(needs_settings=True)
    known = parser.add_subparsers(dest="verb", required=True)
    run = known.add_parser("run", help="build every table, check them, publish them as one release")
    run.set_defaults(act=_run)
    releases = known.add_parser("releases", help="list the published releases, newest first")
    releases.set_defaults(act=_releases)
    for verb, text, act in (
        ("checks", "check the tables of a release again", _checks),
        ("hash", "print a content hash per table", _hash),
    ):
        pinning = known.add_parser(verb, help=text)
        pinning.add_argument("--release", help="id of a release; default: the newest")
        pinning.set_defaults(act=act)
    upkeep = known.add_parser("maintain", help="merge files, expire snapshots, remove orphans of bronze, beside ingest")
    upkeep.add_argument("--seconds", type=float, help="start no further table after so many seconds; default: no limit")
    upkeep.set_defaults(act=_maintain)
    for module in verbs.loaded(given):
        module.add(known)
    return parser


def _run(settings: "Settings", _: argparse.Namespace) -> int:
    from shopsphere_kit.clock import SystemClock  # noqa: PLC0415

    from transform import bootstrap, jobs  # noqa: PLC0415

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


def _releases(settings: "Settings", _: argparse.Namespace) -> int:
    from transform import bootstrap, release  # noqa: PLC0415

    for row in release.published(bootstrap.catalog(settings)):
        _print({**asdict(row), "created_at": row.created_at.isoformat()})
    return 0


def _checks(settings: "Settings", chosen: argparse.Namespace) -> int:
    from transform import bootstrap, jobs  # noqa: PLC0415

    with bootstrap.lake(settings) as lake:
        pinned = _pinned(lake.catalog, chosen.release)
        results = jobs.check_release(lake, pinned)
        quarantined = jobs.quarantined(lake, pinned)
    failing = [asdict(result) for result in results if not result.holds]
    _print({"release": pinned.release_id, "checks": len(results), "failing": failing, "quarantined": quarantined})
    return 1 if failing else 0


def _hash(settings: "Settings", chosen: argparse.Namespace) -> int:
    from transform import bootstrap, jobs  # noqa: PLC0415

    with bootstrap.lake(settings) as lake:
        pinned = _pinned(lake.catalog, chosen.release)
        _print({"release": pinned.release_id, "tables": jobs.hashes(lake, pinned)})
    return 0


def _maintain(settings: "Settings", chosen: argparse.Namespace) -> int:
    from shopsphere_kit.clock import SystemClock  # noqa: PLC0415

    from transform import bootstrap, maintenance  # noqa: PLC0415

    catalog = bootstrap.catalog(settings)
    report = maintenance.maintain(
        catalog, lambda: bootstrap.lake(settings), settings.limits, SystemClock(), chosen.seconds
    )
    _print(report.as_json())
    return 1 if report.failures else 0


def _pinned(catalog: "Catalog", release_id: str | None) -> "Release":
    from shopsphere_kit import lake as kit_lake  # noqa: PLC0415

    from transform.errors import NoRelease  # noqa: PLC0415

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
