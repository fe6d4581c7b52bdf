"""`python -m inventory <verb>`."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from aiokafka.errors import KafkaError
from redis.exceptions import RedisError
from shopsphere_kit import logging
from shopsphere_kit.errors import FailedPrecondition, NotFound, ShopSphereError
from shopsphere_kit.settings import read

from inventory import bootstrap, operator_verbs
from inventory.settings import Settings
from inventory.store import Ledger

EXIT_REFUSED = 65  # EX_DATAERR of sysexits.h: what is there is not what the verb needs
EXIT_UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h: a server that is needed is away


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inventory", description="Keeps stock, and answers what can be promised.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("serve", help="answer over REST and gRPC until SIGTERM")
    verbs.add_parser("stream", help="take stock movements from Kafka, and tell it our sales, until SIGTERM")
    verbs.add_parser(
        "reopen", help="take the data set that Redis holds as it is, under a new epoch; prints one JSON object"
    )
    audit = verbs.add_parser("audit", help="compare every balance with the fold of its journal; prints one JSON object")
    audit.add_argument("--keys", type=Path, metavar="FILE", help="write each balance there: sku, location, on_hand")
    operator_verbs.add(verbs)
    return parser.parse_args()


def main() -> int:
    """Run one verb; exits 1 for a difference found, 2 for wrong settings, 65 when refused, 69 without a server."""
    arguments = _arguments()
    settings = read(Settings)
    logging.configure("inventory", settings.runtime.log_level)
    try:
        return _run(arguments, settings)
    except (ShopSphereError, RedisError, KafkaError, TimeoutError, OSError) as error:
        sys.stderr.write(f"inventory {arguments.verb}: {error}\n")
        return EXIT_REFUSED if isinstance(error, FailedPrecondition | NotFound) else EXIT_UNAVAILABLE


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if "run" in arguments:
        return int(arguments.run(arguments, settings))
    if arguments.verb == "audit":
        return _audit(settings, arguments.keys)
    if arguments.verb == "reopen":
        sys.stdout.write(json.dumps(asdict(asyncio.run(bootstrap.reopen(settings)))) + "\n")
        return 0
    asyncio.run(bootstrap.serve(settings) if arguments.verb == "serve" else bootstrap.stream(settings))
    return 0


def _audit(settings: Settings, keys: Path | None) -> int:
    lines: list[str] = []
    report = asyncio.run(bootstrap.run_audit(settings, lambda ledger: lines.append(_line(ledger))))
    if keys:
        keys.write_text("".join(sorted(lines)))
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    return 1 if report.differences else 0


def _line(ledger: Ledger) -> str:
    item = ledger.item
    return json.dumps({"sku": item.sku, "location": item.location, item.bucket: ledger.balance.on_hand}) + "\n"


if __name__ == "__main__":
    sys.exit(main())
