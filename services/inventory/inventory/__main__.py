"""`python -m inventory <verb>`."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict

from shopsphere_kit import logging

from inventory import bootstrap
from inventory.settings import Settings


def main() -> int:
    """Run one verb; the exit code is 1 when an audit finds a difference."""
    parser = argparse.ArgumentParser(prog="inventory", description="Keeps stock, and answers what can be promised.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("serve", help="answer over REST and gRPC until SIGTERM")
    verbs.add_parser("stream", help="take stock movements from Kafka until SIGTERM")
    verbs.add_parser("audit", help="compare every balance with the fold of its journal; prints one JSON object")
    verb = parser.parse_args().verb
    settings = Settings()
    logging.configure("inventory", settings.runtime.log_level)
    if verb == "serve":
        asyncio.run(bootstrap.serve(settings))
    elif verb == "stream":
        asyncio.run(bootstrap.stream(settings))
    else:
        report = asyncio.run(bootstrap.run_audit(settings))
        sys.stdout.write(json.dumps(asdict(report)) + "\n")
        return 1 if report.differences else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
