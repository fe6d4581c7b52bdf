"""`shopsphere doctor`: what this machine lacks, and what to do about it."""

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

from shopsphere_local.checks import every_check
from shopsphere_local.commands.options import add_port_base, ports, state

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("doctor", help="say what is missing on this machine, and what to do")
    add_port_base(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print one line per check; exit code 1 when one fails."""
    console = Console(highlight=False)
    findings = every_check(state(), ports(args))
    for finding in findings:
        console.print(f"{'[green]✓[/]' if finding.well else '[red]✗[/]'} {finding.subject}: {finding.detail}")
        if not finding.well:
            console.print(f"    → {finding.remedy}")
    return 0 if all(finding.well for finding in findings) else 1
