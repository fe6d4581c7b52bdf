"""Claim: checks cost at most a tenth of a run, a full one as well as an incremental one.

Ours: runs as they are. The other side: the same runs in which no contract is looked at: no nulls, grains, references,
sums and balances; what a run needs to know of its own writing (how many rows it takes out and puts in) stays. The lake
is described in `transform_lake.py`, with one year of lines unless LINES says otherwise.
"""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from frame import ROUNDS, alternate, report
from pyspark.sql import DataFrame
from shopsphere_kit.clock import SystemClock
from transform import jobs, release
from transform.counts import Counts
from transform.engine import Engine
from transform.spec import Stored
from transform.statistics import Statistics
from transform.storage import Lake
from transform_lake import Year, lakes

LINES = int(os.environ.get("LINES", "1400000"))
# A tenth of a run is for checks: without them nine tenths of its time are left.
GOAL = 0.9


def main() -> None:
    """Both kinds of runs with and without checks in turn; one line of JSON each."""
    with lakes(1) as (lake,):
        year, numbers = Year(LINES, batches=2 * (ROUNDS + 1)), itertools.count()
        year.write(lake.catalog)

        def rebuild() -> float:
            return _run(lake, full=True)

        def increment() -> float:
            year.write_batch(lake.catalog, next(numbers))
            return _run(lake, full=False)

        for kind, run in (("full", rebuild), ("incremental", increment)):
            measured = alternate(run, _unchecked(run), "runs/s")
            report(f"transform/cost_of_checks, {kind} runs", measured, unit="runs/s", goal=GOAL)


def _run(lake: Lake, *, full: bool) -> float:
    started = time.perf_counter()
    done = jobs.run(lake, SystemClock(), full=full)
    assert done.full == full, done.why
    return 1 / (time.perf_counter() - started)


def _unchecked(run: Callable[[], float]) -> Callable[[], float]:
    def without() -> float:
        with _no_checks():
            return run()

    return without


@contextmanager
def _no_checks() -> Iterator[None]:
    with mock.patch.object(jobs, "_check", _unlooked), mock.patch("transform.engine.statistics_of", _uncounted):
        yield


def _unlooked(engine: Engine, _: Counts, done: jobs.Run) -> None:
    # A release bears counts for the runs after it: those of the one before, as if nothing had come.
    before = release.newest(engine.lake.catalog)
    assert before is not None
    done.counts = Counts.of(before.counts)


def _uncounted(_: Stored, __: DataFrame) -> Statistics:
    return Statistics(0, 0, {}, 0, {})


if __name__ == "__main__":
    main()
