"""`make mutants-inventory`: every mutant and the test that caught it; the exit code is 1 when one survived."""

import argparse
import sys
import time

from inventory_mutants.mutant import catalogue
from inventory_mutants.trial import Outcome, trial

NAME_WIDTH = 66


def main() -> int:
    """Try all mutants, or those whose names contain the text given."""
    given = _parser().parse_args()
    chosen = [each for each in catalogue() if given.only in f"{each.theme}: {each.name}"]
    began = time.monotonic()
    survivors = []
    with trial() as suite:
        for number, mutant in enumerate(chosen, start=1):
            outcome = suite.of(mutant)
            _say(f"{number:3} of {len(chosen)}  {_row(outcome)}")
            if given.messages:
                _say(f"     {outcome.message[:600]}")
            survivors += [] if outcome.caught_by else [outcome]
    caught = len(chosen) - len(survivors)
    _say(f"{caught} of {len(chosen)} mutants caught in {time.monotonic() - began:.0f} s")
    for outcome in survivors:
        _say(f"SURVIVED {outcome.mutant.theme}: {outcome.mutant.name} ({outcome.mutant.file})")
    return 1 if survivors else 0


def _row(outcome: Outcome) -> str:
    name = f"{outcome.mutant.theme}: {outcome.mutant.name}"
    return f"{name:{NAME_WIDTH}}  {outcome.caught_by.removeprefix('tests/') if outcome.caught_by else 'SURVIVED'}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="inventory_mutants", description=__doc__)
    parser.add_argument("--only", default="", help="try those whose theme and name contain this text")
    parser.add_argument("--messages", action="store_true", help="print what the test that caught it said")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
