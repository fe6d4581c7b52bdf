"""`shopsphere env <service>`: the settings of a service in the local stack, to run its verbs by hand."""

import argparse
import shlex
import sys
from typing import TYPE_CHECKING

from shopsphere_local import environment
from shopsphere_local.commands.options import add_port_base, ports, state

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs

SERVICES = ("customer360", "fraud", "ingest", "inventory", "transform")


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("env", help='print a service\'s settings: eval "$(shopsphere env inventory)"')
    parser.add_argument("service", choices=SERVICES)
    add_port_base(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print one export per variable, secrets among them, quoted for the shell."""
    here = state()
    here.prepare()
    for name, value in environment.of_service(args.service, here, ports(args)).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0
