"""`shopsphere up`: starts the platform, or the named processes and what they need."""

import argparse
import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from shopsphere_kit.waiting import wait_until

from shopsphere_local.commands import status
from shopsphere_local.commands.options import add_port_base, ports, state
from shopsphere_local.process import ProcessFailed
from shopsphere_local.progress import StartProgress
from shopsphere_local.registry import Registry
from shopsphere_local.stack import Stack, run_with

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs

# The first start fetches jars; later ones take seconds.
_START_SECONDS = 900.0


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("up", help="start the platform, or the named processes and only what they need")
    parser.add_argument("names", nargs="*", metavar="PROCESS", help="such as inventory-serve, or kafka; default: all")
    parser.add_argument("--detach", action="store_true", help="return once all are ready; `shopsphere down` stops them")
    add_port_base(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start, and stay in the foreground until Ctrl-C unless detached."""
    console = Console()
    return _detached(args, console) if args.detach else asyncio.run(_foreground(args, console))


async def _foreground(args: argparse.Namespace, console: Console) -> int:
    here = state()
    progress: list[StartProgress] = []
    stack = Stack(here, ports(args), lambda name, now: progress[-1].change(name, now) if progress else None)
    progress.append(StartProgress(console, len(stack.needed(args.names))))

    async def work() -> int:
        with progress[0]:
            await stack.start(args.names)
        (here.run / "up").touch()
        console.print(status.table(Registry(here.run).read()))
        console.print("Up. Ctrl-C stops everything.")
        await asyncio.Event().wait()
        return 0

    return await run_with(stack, work)


def _detached(args: argparse.Namespace, console: Console) -> int:
    here = state()
    here.prepare()
    mark, log = here.run / "up", here.logs / "supervisor.log"
    mark.unlink(missing_ok=True)
    command = [sys.executable, "-m", "shopsphere_local", "up", "--port-base", str(args.port_base), *args.names]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    with console.status(f"starting; log: {log}"):
        wait_until(
            lambda: mark.exists() or process.poll() is not None, deadline_seconds=_START_SECONDS, what="the stack"
        )
    if process.poll() is not None:
        raise ProcessFailed("the supervisor", f"ended with code {process.returncode}", log)
    console.print(status.table(Registry(here.run).read()))
    console.print("Up. `shopsphere down` stops everything.")
    return 0
