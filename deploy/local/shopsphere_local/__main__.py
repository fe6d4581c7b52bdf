"""`shopsphere <verb>`: the platform on one machine."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from shopsphere_kit.errors import ShopSphereError

from shopsphere_local.commands import demo, doctor, down, env, lock_jars, reset, signin, sql, status, token, up

_VERBS = (demo, up, down, status, doctor, token, signin, sql, env, reset, lock_jars)


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser with one sub-parser per verb."""
    root = argparse.ArgumentParser(prog="shopsphere", description="ShopSphere on one machine, without Docker.")
    verbs = root.add_subparsers(required=True, metavar="VERB")
    for verb in _VERBS:
        verb.add_parser(verbs)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return 0, or 1 after saying what is wrong and what to do."""
    args = parser().parse_args(argv)
    try:
        return int(args.run(args))
    except ShopSphereError as error:
        Console(stderr=True).print(f"[red]error:[/] {escape(error.detail)}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
