"""Claim: a run costs what changed, not what was there: 16 times the history takes at most 1.5 times as long.

Ours: an incremental run of CHANGE new orders, and the changes that go with them, on LINES order lines. The other
side: the same on the last sixteenth of them; a quarter is measured beside. The lakes (`transform_lake.py`) are of the
same shop with the same customers, opened longer ago.
"""

import itertools
import os
import statistics
import time

from frame import ROUNDS, alternate, report
from shopsphere_kit.clock import SystemClock
from transform import jobs
from transform.storage import Lake
from transform_lake import LINES, Year, lakes

# New orders of a batch: what this shop sells in two days and a half.
CHANGE = int(os.environ.get("CHANGE", "1000"))
GOAL = 1 / 1.5


class History:
    """A lake with so many order lines, and the runs that follow."""

    def __init__(self, lake: Lake, lines: int) -> None:
        self._lake, self._numbers, self.seconds = lake, itertools.count(), list[float]()
        self._year = Year(lines, batches=ROUNDS + 1, size=CHANGE, longer=True)
        self._year.write(lake.catalog)
        started = time.perf_counter()
        jobs.run(lake, SystemClock(), full=True)
        print(f"{self._year.lines:,} lines: full run {time.perf_counter() - started:.0f} s", flush=True)

    def increment(self) -> float:
        """Runs per second of the next batch."""
        self._year.write_batch(self._lake.catalog, next(self._numbers))
        started = time.perf_counter()
        done = jobs.run(self._lake, SystemClock())
        self.seconds.append(time.perf_counter() - started)
        assert not done.full, done.why
        return 1 / self.seconds[-1]


def main() -> None:
    """Run the same batches on three sizes of history in turn."""
    with lakes(3) as found:
        small, middle, large = (History(lake, LINES // part) for lake, part in zip(found, (16, 4, 1), strict=True))

        def smaller_ones() -> float:
            middle.increment()
            return small.increment()

        measured = alternate(large.increment, smaller_ones, "runs/s")
        told = {name: statistics.median(of.seconds[1:]) for name, of in (("1x", small), ("4x", middle), ("16x", large))}
        print("seconds by size of history: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in told.items()))
        report("transform/history_size", measured, unit="runs/s", goal=GOAL)


if __name__ == "__main__":
    main()
