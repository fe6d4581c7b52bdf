"""`shopsphere signin`: prints a one-time link to the dashboard."""

import argparse
import sys
from typing import TYPE_CHECKING

import httpx
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import Unavailable
from shopsphere_kit.settings import AuthSettings

from shopsphere_local.commands.options import add_port_base, ports, state

if TYPE_CHECKING:
    from shopsphere_local.commands.options import Verbs

MINT_SCOPE = "customer360.dashboard.write"
PAGES = ("customer360.profiles.read", "customer360.lookup.read")
PERSONAL = "customer360.personal.read"


def add_parser(verbs: "Verbs") -> None:
    """Add the verb."""
    parser = verbs.add_parser("signin", help="print a one-time link to the dashboard")
    parser.add_argument("--masked", action="store_true", help="hide personal details from whoever uses the link")
    add_port_base(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the link alone; raises Unavailable when Customer 360 is not up."""
    here = state()
    scopes = list(PAGES) if args.masked else [*PAGES, PERSONAL]
    settings = AuthSettings(jwks_file=here.jwks_file, jwks_url=None)
    token = here.dev_key().mint([MINT_SCOPE, *scopes], settings=settings, now=SystemClock().now())
    address = f"http://127.0.0.1:{ports(args).customer360_rest}"
    try:
        sys.stdout.write(link(address, token, scopes) + "\n")
    except httpx.TransportError as error:
        raise Unavailable(f"nothing answers at {address}; `shopsphere up customer360-serve` starts it") from error
    return 0


def link(address: str, token: str, scopes: list[str]) -> str:
    """Ask Customer 360 for a fresh one-time link that carries the scopes."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.post(f"{address}/v1/dashboard/signin-codes", json={"scopes": scopes}, headers=headers)
    if answer.status_code != httpx.codes.CREATED:
        raise Unavailable(f"Customer 360 answered {answer.status_code}: {answer.text[:300]}")
    return str(answer.json()["url"])
