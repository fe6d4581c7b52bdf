"""`shopsphere reset`: forgets all data of the local stack."""

import argparse
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.prompt import Confirm
from shopsphere_kit.errors import Conflict, InvalidArgument

from shopsphere_local.commands.options import state
from shopsphere_local.registry import Registry

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("reset", help="erase all data, logs and credentials (fetched jars stay)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Erase the state folder but for the cache; refuses while the stack runs."""
    here, console = state(), Console()
    if Registry(here.run).supervisor() is not None:
        raise Conflict("the stack is running; `shopsphere down` first", reason="already_running")
    question = f"Erase all data, logs and credentials under {here.root}?"
    if not args.yes and not sys.stdin.isatty():
        raise InvalidArgument("nobody is there to ask; say `shopsphere reset --yes`")
    if not args.yes and not Confirm.ask(question, console=console, default=False):
        return 1
    if here.run.exists():
        Registry(here.run).sweep()
    here.erase()
    console.print("Erased.")
    return 0
