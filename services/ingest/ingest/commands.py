"""The verbs that look at and mend bronze beside a running ingest: their arguments, and what they print."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from shopsphere_kit.errors import InvalidArgument

from ingest import bootstrap
from ingest.replay import Selection
from ingest.settings import Settings
from ingest.status_text import status_text


def add_status(parser: argparse.ArgumentParser) -> None:
    """`status`: a table on a terminal, JSON elsewhere."""
    parser.add_argument("--json", action="store_true", help="JSON on a terminal too")
    parser.set_defaults(verb=_status)


def add_replay(parser: argparse.ArgumentParser) -> None:
    """`replay --quarantine`."""
    parser.add_argument("--quarantine", action="store_true", required=True, help="what is in bronze.quarantine")
    parser.add_argument("--reason", help="only records rejected for this reason")
    parser.add_argument("--source", help="only records of this source (kafka:events) or kind of source (kafka)")
    parser.add_argument("--dry-run", action="store_true", help="count what would become good, change nothing")
    parser.set_defaults(verb=_replay)


def add_copy(parser: argparse.ArgumentParser) -> None:
    """`copy <table> --where …`."""
    parser.add_argument("table", help="the bronze table, such as bronze_postgres__orders")
    parser.add_argument("--where", required=True, help="an SQL condition; for MongoDB a filter in extended JSON")
    parser.add_argument("--again", action="store_true", help="copy anew what was copied with this condition before")
    parser.set_defaults(verb=_copy)


def _status(settings: Settings, parsed: argparse.Namespace) -> int:
    report = bootstrap.current_status(settings)
    if parsed.json or not sys.stdout.isatty():
        _print(report)
    else:
        sys.stdout.write("\n".join(status_text(report)) + "\n")
    return 0


def _replay(settings: Settings, parsed: argparse.Namespace) -> int:
    outcome = bootstrap.replay(settings).run(Selection(parsed.source, parsed.reason), dry_run=parsed.dry_run)
    _print(outcome.as_json())
    return 0


def _copy(settings: Settings, parsed: argparse.Namespace) -> int:
    if not parsed.where.strip():
        raise InvalidArgument("--where: empty; write a condition, for all rows one that is always true", field="where")
    _print(bootstrap.backfill(settings).run(parsed.table, parsed.where, again=parsed.again).as_json())
    return 0


def _print(report: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(report, indent=2, default=str) + "\n")
