"""`python -m transform <verb>`: each prints JSON on standard output; the verbs stand in `verbs/`, one module each."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shopsphere_kit.errors import InvalidArgument, ShopSphereError

from transform import verbs

if TYPE_CHECKING:
    from transform.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0 when it went well, 2 when an argument is wrong, 1 for any other trouble, which stderr tells."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    chosen = _parser(given).parse_args(given)
    try:
        return int(chosen.act(_settings() if chosen.needs_settings else None, chosen))
    except ShopSphereError as error:
        sys.stderr.write(f"{error.reason}: {error.detail}\n")
        return 2 if isinstance(error, InvalidArgument) else 1


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m transform", description="Builds silver and gold from bronze.")
    parser.set_defaults(needs_settings=True)
    known = parser.add_subparsers(dest="verb", required=True)
    for module in verbs.loaded(given):
        module.add(known)
    return parser


def _settings() -> "Settings":
    # Loading them takes a while, which a verb that needs none does not wait for.
    from shopsphere_kit import logging  # noqa: PLC0415
    from shopsphere_kit.settings import read  # noqa: PLC0415

    from transform.settings import Settings  # noqa: PLC0415

    settings = read(Settings)
    logging.configure("transform", settings.runtime.log_level)
    return settings


if __name__ == "__main__":
    sys.exit(main())
