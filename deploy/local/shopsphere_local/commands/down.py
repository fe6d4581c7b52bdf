"""`shopsphere down`: stops what `up` or `demo` started, and sweeps up what a killed one left."""

import argparse
from typing import TYPE_CHECKING

import psutil
from rich.console import Console
from shopsphere_kit.errors import DeadlineExceeded

from shopsphere_local.commands.options import state
from shopsphere_local.registry import Registry

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs

# Every process has 40 s for a clean end before it is killed, and services end before the servers they need.
_STOP_SECONDS = 100.0


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("down", help="stop everything")
    parser.set_defaults(run=run)


def run(_args: argparse.Namespace) -> int:
    """Stop the supervisor of this state folder and whatever is left of its processes."""
    console, registry = Console(), Registry(state().run)
    supervisor = registry.supervisor()
    if supervisor is not None:
        supervisor.terminate()
        with console.status("stopping"):
            _wait(supervisor)
    left = registry.sweep() if state().run.exists() else []
    console.print("Stopped." if supervisor or left else "Nothing was running.")
    return 0


def _wait(supervisor: psutil.Process) -> None:
    try:
        supervisor.wait(_STOP_SECONDS)
    except psutil.TimeoutExpired as error:
        raise DeadlineExceeded(
            f"the supervisor (process {supervisor.pid}) did not stop within {_STOP_SECONDS:g} s; kill it and run "
            "`shopsphere down` again"
        ) from error
