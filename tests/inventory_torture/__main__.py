"""The long run, `make torture-inventory`: on a failure it says how to repeat it, and the exit code is 1."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ingest_torture.chance import fresh_seed
from inventory_torture.kills import Kills, torture_servers
from inventory_torture.progress import Progress, say
from inventory_torture.simulation import Failure, simulate_many
from shopsphere_kit import logging


def main() -> int:
    """Simulations, then kills of real processes; stop at the first failure."""
    given = _parser().parse_args()
    logging.configure("torture", "CRITICAL")
    say(f"seed {given.seed}: {given.runs} simulations, {given.kills} kills")
    if given.runs and (failed := simulate_many(given.seed, given.runs, _progress("simulations", given.runs))):
        return _failed(failed)
    if given.kills and (problems := _killed(given.seed, given.kills)):
        say(f"FAILED: {len(problems)} problems")
        for trouble in problems[:20]:
            say(f"  {trouble}")
        say(f"repeat with: make torture-inventory SEED={given.seed} RUNS=0 KILLS={given.kills}")
        return 1
    say("nothing oversold, nothing lost, nothing twice")
    return 0


def _killed(seed: int, kills: int) -> list[str]:
    with (
        tempfile.TemporaryDirectory(prefix="shopsphere torture ", ignore_cleanup_errors=True) as folder,
        torture_servers() as bootstrap,
    ):
        return Kills(seed, Path(folder), bootstrap).run(kills, _progress("kills", kills))


def _progress(name: str, total: int) -> Callable[[int], None]:
    return Progress(name, total).tell


def _failed(failed: Failure) -> int:
    say(f"FAILED {failed.told}")
    say(f"repeat with: make torture-inventory SEED={failed.seed} RUNS=1 KILLS=0")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inventory_torture", description=__doc__)
    parser.add_argument("--seed", type=_seed, default="", help="of the first simulation; the others count up from it")
    parser.add_argument("--runs", type=int, default=100_000, help="simulations")
    parser.add_argument("--kills", type=int, default=300, help="kill -9 of real workers and of a real Redis")
    return parser


def _seed(text: str) -> int:
    return int(text) if text else fresh_seed()


if __name__ == "__main__":
    sys.exit(main())
