"""`run`: brings silver and gold to what bronze holds."""

import argparse
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import InvalidArgument

from transform import bootstrap, jobs, keep
from transform.restatement import Restatement
from transform.settings import Settings
from transform.tables import FOLDS
from transform.verbs.printing import print_json


def add(verbs: Any) -> None:
    """Add the verb."""
    parser = verbs.add_parser("run", help="bring silver and gold to what bronze holds, check, publish as one release")
    parser.add_argument("--full", action="store_true", help="rebuild everything, not only what changes reach")
    parser.add_argument("--restate", action="store_true", help="compute a part anew by the rules of today")
    parser.add_argument("--from", dest="since", type=_moment, metavar="TIME", help="of --restate: committed since")
    parser.add_argument("--to", dest="until", type=_moment, metavar="TIME", help="of --restate: committed before")
    parser.add_argument(
        "--keys",
        type=_keys,
        action="append",
        default=[],
        metavar="FOLD=KEY,KEY",
        help="of --restate: such as silver.latest_order_items=17,18 or silver.person_changes=shop:12",
    )
    parser.add_argument(
        "--every",
        type=float,
        metavar="SECONDS",
        help="look at bronze so often and run when it gained something, with Spark kept, until SIGTERM",
    )
    parser.set_defaults(act=run)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Publish a release, or say that bronze gained nothing."""
    part = _restatement(chosen)
    with bootstrap.lake(settings) as lake:

        def once() -> None:
            print_json(report(jobs.run(lake, SystemClock(), full=chosen.full, restatement=part)))

        if chosen.every is None:
            once()
        else:
            keep.run_every(chosen.every, once, lambda: keep.heads(lake), keep.until_sigterm())
    return 0


def _restatement(chosen: argparse.Namespace) -> Restatement | None:
    given = chosen.since or chosen.until or chosen.keys
    if bool(given) != chosen.restate:
        raise InvalidArgument("--restate needs --from, --to or --keys, and they need --restate", field="restate")
    if chosen.restate and chosen.every is not None:
        raise InvalidArgument("a part is restated once, not --every so often", field="every")
    keys = defaultdict[str, list[tuple[str, ...]]](list)
    for fold, named in chosen.keys:
        keys[fold] += named
    return Restatement(chosen.since, chosen.until, keys) if chosen.restate else None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _keys(text: str) -> tuple[str, list[tuple[str, ...]]]:
    name, _, keys = text.partition("=")
    fold = next((known for known in FOLDS if known.name == name), None)
    if not keys or fold is None:
        raise argparse.ArgumentTypeError(f"{name} is no fold; one of {', '.join(known.name for known in FOLDS)}")
    # The last part of a key is all that is left: the number of a marketplace's buyer may have colons.
    return name, [tuple(key.split(":", len(fold.scope) - 1)) for key in keys.split(",")]


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
