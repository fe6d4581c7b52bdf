"""`shopsphere lock-jars`: makes the lock file of Kafka's jars anew, after a change of version."""

import argparse
from typing import TYPE_CHECKING

from rich.console import Console
from shopsphere_kit import maven

from shopsphere_local.commands.options import state
from shopsphere_local.servers.kafka import JARS

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs

_HEAD = """# The jars of the Apache Kafka server, group:artifact:version = sha256, and slf4j-simple for its log.
# Made by `shopsphere lock-jars`; checked by shopsphere_kit.maven before each start.
[jars]
"""


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("lock-jars", help="for maintainers: write the lock file of Kafka's jars anew")
    parser.add_argument("--kafka", required=True, metavar="VERSION", help="such as 4.4.0")
    parser.add_argument("--slf4j", required=True, metavar="VERSION", help="that of Kafka's own slf4j-api: 1.7.36")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Resolve the closure of the server from the Maven repository and write its checksums."""
    here = state()
    here.prepare()
    roots = [f"org.apache.kafka:kafka_2.13:{args.kafka}", f"org.slf4j:slf4j-simple:{args.slf4j}"]
    jars = maven.closure(roots, here.cache)
    JARS.write_text(_HEAD + "".join(f'"{name}" = "{digest}"\n' for name, digest in jars.items()), encoding="utf-8")
    Console().print(f"{len(jars)} jars locked in {JARS.name}")
    return 0
