"""The long run, `make torture-ingest`: on a failure it says how to repeat it, and the exit code is 1."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ingest_torture.chance import fresh_seed
from ingest_torture.children import nursery
from ingest_torture.scene import SOURCES
from ingest_torture.servers import servers
from ingest_torture.suites import Progress, Suites
from ingest_torture.workload_run import seeds
from shopsphere_kit import logging

# Problems that are printed of a failing run; the first ones tell.
SHOWN = 20
# A line of progress is due so often.
TELL_SECONDS = 10.0
Part = tuple[str, Callable[[Progress], list[str]], int, str]


def main() -> int:
    """Run everything that was asked for, and stop at the first failure."""
    given = _parser().parse_args()
    logging.configure("torture", "ERROR")
    _say(f"seed {given.seed}: {given.runs} kills for each of {', '.join(given.sources)}; {given.seeds} workloads")
    with (
        tempfile.TemporaryDirectory(prefix="shopsphere torture ", ignore_cleanup_errors=True) as folder,
        servers() as addresses,
        nursery() as parent,
    ):
        for part in _parts(Suites(addresses, parent, Path(folder)), given):
            if not _passes(*part):
                return 1
    _say("nothing lost, nothing twice")
    return 0


def _parts(suites: Suites, given: argparse.Namespace) -> Iterator[Part]:
    for source in given.sources:
        again = f"make torture-ingest SEED={given.seed} SOURCES={source} RUNS={given.runs} SEEDS=0"
        for suite in (suites.fault_points, suites.zombie, suites.lost_answers) if given.runs else ():
            yield f"{source}, {suite.__name__}", _one(partial(suite, source, given.seed)), 1, again
        if given.runs:
            yield f"{source}, kills", partial(suites.kills, source, given.seed, given.runs), given.runs, again
    if "postgres" in given.sources and given.seeds:
        for number, seed in enumerate(seeds(given.seed, given.seeds), 1):
            name = f"workload {number} of {given.seeds}, seed {seed}"
            again = f"make torture-ingest SEED={seed} SOURCES=postgres RUNS=0 SEEDS=1"
            yield name, _one(partial(suites.workload, seed)), 1, again


def _one(run: Callable[[], list[str]]) -> Callable[[Progress], list[str]]:
    return lambda _: run()


def _passes(name: str, run: Callable[[Progress], list[str]], total: int, again: str) -> bool:
    clock = _Clock(name, total)
    found = run(clock.tell)
    if not found:
        clock.done()
        return True
    _say(f"FAILED {name}: {len(found)} problems")
    for trouble in found[:SHOWN]:
        _say(f"  {trouble}")
    _say(f"repeat with: {again}")
    return False


class _Clock:
    """Prints how far a part is, how fast it goes and how long it still takes."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total = name, total
        self._began = self._told = time.monotonic()

    def tell(self, done: int) -> None:
        """Say so, when a line is due."""
        now = time.monotonic()
        if now - self._told < TELL_SECONDS:
            return
        self._told = now
        per_minute = 60 * done / (now - self._began)
        left = (self._total - done) / per_minute
        _say(f"{self._name}: {done} of {self._total}, {per_minute:.0f} a minute, {left:.1f} minutes left")

    def done(self) -> None:
        """The part is over."""
        seconds = time.monotonic() - self._began
        rate = f", {60 * self._total / seconds:.0f} a minute" if self._total > 1 else ""
        _say(f"{self._name}: good after {seconds:.0f} s{rate}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ingest_torture", description=__doc__)
    parser.add_argument("--seed", type=_seed, default="", help="what decides everything but the machine's timing")
    parser.add_argument("--runs", type=int, default=300, help="kills for each source")
    parser.add_argument("--seeds", type=int, default=200, help="workloads")
    parser.add_argument("--sources", type=_sources, default=SOURCES, help="comma-separated, of postgres, mongo, kafka")
    return parser


def _seed(text: str) -> int:
    return int(text) if text else fresh_seed()


def _sources(text: str) -> tuple[str, ...]:
    chosen = tuple(filter(None, text.split(",")))
    if unknown := set(chosen) - set(SOURCES):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not among {', '.join(SOURCES)}")
    return chosen or SOURCES


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
