"""Claim: a batch that touches 1 % of the keys goes through silver and gold 20 times faster than a rebuild of all.

Ours: an incremental run in a session that is kept. The other side: `run --full` over the same bronze, after which the
content of every table is the same. The lake is described in `transform_lake.py`; LINES=1400000 tries one year, and
SCATTERED=0 leaves out the changes of old orders.
"""

import itertools
import time

from frame import ROUNDS, alternate, report
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.lake import latest_release
from transform import jobs
from transform.storage import Lake
from transform_lake import Year, lakes

GOAL = 20.0
_SHOWN = ("silver.latest_order_items", "gold.fact_order", "gold.customer_360", "gold.dim_users")


def main() -> None:
    """Run batches and rebuilds in turn, and compare all tables after each rebuild."""
    with lakes(1) as (lake,):
        year, numbers = Year(batches=ROUNDS + 1), itertools.count()
        year.write(lake.catalog)
        print(f"{year.lines:,} lines, {year.orders:,} orders; first run {_run(lake, full=True):.0f} s", flush=True)

        def increment() -> float:
            year.write_batch(lake.catalog, next(numbers))
            return 1 / _run(lake, full=False)

        def rebuild() -> float:
            before = _hashes(lake)
            seconds = _run(lake, full=True)
            assert _hashes(lake) == before, "the rebuild has other tables"
            return 1 / seconds

        measured = alternate(increment, rebuild, "runs/s")
        report("transform/incremental", measured, unit="runs/s", goal=GOAL)


def _run(lake: Lake, *, full: bool) -> float:
    started = time.perf_counter()
    done = jobs.run(lake, SystemClock(), full=full)
    seconds = time.perf_counter() - started
    assert done.full == full, done.why
    shown = {name: done.changed[name]["put_in"] for name in _SHOWN if name in done.changed}
    print(
        f"  {'full' if full else 'incremental'} {seconds:.1f} s, checks {done.seconds['checks']} s, rows put in {shown}"
    )
    return seconds


def _hashes(lake: Lake) -> dict[str, str]:
    newest = latest_release(lake.catalog)
    assert newest is not None
    return jobs.hashes(lake, newest)


if __name__ == "__main__":
    main()
