"""`run`: brings silver and gold to what bronze holds."""

import argparse
from typing import Any

from shopsphere_kit.clock import SystemClock

from transform import bootstrap, jobs, keep
from transform.settings import Settings
from transform.verbs.printing import print_json


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("run", help="bring silver and gold to what bronze holds, check, publish as one release")
    parser.add_argument("--full", action="store_true", help="rebuild everything, not only what changes reach")
    parser.add_argument(
        "--every",
        type=float,
        metavar="SECONDS",
        help="look at bronze so often and run when it gained something, with Spark kept, until SIGTERM",
    )
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Publish a release, or say that bronze gained nothing."""
    with bootstrap.lake(settings) as lake:

        def once() -> None:
            print_json(report(jobs.run(lake, SystemClock(), full=chosen.full)))

        if chosen.every is None:
            once()
        else:
            keep.run_every(chosen.every, once, lambda: keep.heads(lake), keep.until_sigterm())
    return 0


def report(done: jobs.Run) -> dict[str, object]:
    """What a run did."""
    return {
        "release": done.published.release_id if done.published else None,
        "full": done.why if done.full else False,
        "changed": done.changed,
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
