"""What the verbs share: the type of their sub-parsers, and the state folder and ports they work on."""

import argparse
from typing import TYPE_CHECKING

from shopsphere_local.ports import Ports
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it


def add_port_base(parser: argparse.ArgumentParser) -> None:
    """Add --port-base, whose default comes from SHOPSPHERE_PORT_BASE."""
    default = LocalSettings().port_base
    parser.add_argument("--port-base", type=int, default=default, help=f"first port of the stack (default {default})")


def state() -> State:
    """Return the state folder of SHOPSPHERE_STATE_DIR."""
    return State(LocalSettings().state_dir.resolve())


def ports(args: argparse.Namespace) -> Ports:
    """Return the port plan the command line asks for."""
    return Ports.from_base(args.port_base)
