"""Claim: a year of a shop's orders becomes gold from nothing in minutes, with the default settings.

Ours: `python -m transform run --full`, a process of its own and its Java from a cold start, over the 1,469,307 lines of
The Complete Journey's year (`transform_lake.py`) in bronze; time, order lines a second, and the most memory that the
process and its children held at once. There is no other side.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from frame import ROUNDS
from measured_process import measured_process
from shopsphere_kit.lake import latest_release, open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from transform_lake import Year

LINES = int(os.environ.get("LINES", "1469307"))


def main() -> None:
    """Build it so many times, each time as if nothing were there."""
    with tempfile.TemporaryDirectory() as folder:
        place = LakeSettings(catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
        year = Year(LINES, batches=0)
        year.write(open_catalog(place))
        rounds = [_build(place, Path(folder), year.lines) for _ in range(ROUNDS)]
    seconds, peaks = (sorted(side) for side in zip(*rounds, strict=True))
    middle = statistics.median(seconds)
    told = {"seconds": round(middle, 1), "lines_per_second": round(year.lines / middle), "peak_mib": peaks[-1] >> 20}
    print(json.dumps({"claim": "transform/whole_year", "lines": year.lines, "rounds": len(rounds), **told}))


def _build(place: LakeSettings, folder: Path, lines: int) -> tuple[float, int]:
    env = {
        **os.environ,
        "SHOPSPHERE_LAKE_CATALOG_URI": place.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": place.warehouse,
        "TRANSFORM_CACHE_DIR": str(State(LocalSettings().state_dir).cache),
    }
    started = time.perf_counter()
    with measured_process([sys.executable, "-m", "transform", "run", "--full"], env, folder / "run.log") as process:
        cost = process.wait()
        assert process.exit_code == 0, process.log_tail()
    seconds = time.perf_counter() - started
    assert latest_release(open_catalog(place)) is not None
    print(f"{seconds:.1f} s, {lines / seconds:,.0f} lines/s, {cost.peak_bytes >> 20} MiB", flush=True)
    return seconds, cost.peak_bytes


if __name__ == "__main__":
    main()
