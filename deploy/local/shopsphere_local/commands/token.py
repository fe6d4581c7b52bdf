"""`shopsphere token`: mints an access token of the development key."""

import argparse
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from shopsphere_kit.clock import SystemClock
from shopsphere_kit.settings import AuthSettings

from shopsphere_local.commands.options import state

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("token", help="print an access token for the local services")
    parser.add_argument(
        "--scope", action="append", required=True, help="such as inventory.availability.read; repeat for more"
    )
    parser.add_argument("--client-id", default="dev", help="who calls (default dev)")
    parser.add_argument("--minutes", type=int, default=60, help="how long it is valid (default 60)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the token alone, so that it can stand in `$(…)`."""
    here = state()
    here.prepare()
    scopes = [scope for given in args.scope for scope in given.replace(",", " ").split()]
    minted = here.dev_key().mint(
        scopes,
        settings=AuthSettings(jwks_file=here.jwks_file, jwks_url=None),
        now=SystemClock().now(),
        client_id=args.client_id,
        lifetime=timedelta(minutes=args.minutes),
    )
    sys.stdout.write(f"{minted}\n")
    return 0
