"""Claim: histories of 2 million shuffled events of 200,000 users are rebuilt at least as fast as by plain Spark.

Ours: `transform.versions`, the rules of `scd2.py` over Arrow behind Spark's sort. The other side: the same with Spark's
window functions, as it is usually written; it knows no ties, no clocks and no first versions. Both in one Spark with
two cores. DuckDB's window functions, which need no Spark, are timed beside them. EVENTS=200000 tries it with less.
"""

import statistics
import time

from frame import ROUNDS, compare, number
from scd2_cases import EVENTS, Bench, bench, by_duckdb, by_transform, by_windows, content, written


def main() -> None:
    """Time DuckDB, then both sides on Spark in turn, and compare what they made."""
    with bench() as made:
        _report_duckdb(made)
        compare(
            "transform/scd2_rebuild",
            _checked(made, "transform"),
            _checked(made, "windows"),
            unit="events/s",
            goal=1.0,
        )


def _checked(made: Bench, name: str):  # type: ignore[no-untyped-def]
    histories = {"transform": by_transform, "windows": by_windows}[name]
    run = written(made, lambda: histories(made, "events.parquet"), name)

    def checked() -> int:
        done = run()
        assert content(made, name) == content(made, "duckdb.parquet"), f"{name} made other versions than DuckDB"
        return done

    return checked


def _report_duckdb(made: Bench) -> None:
    seconds = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        by_duckdb(made, "events.parquet")
        seconds.append(time.perf_counter() - started)
    print(f"DuckDB: {number(EVENTS / statistics.median(seconds[1:]))} events/s, {statistics.median(seconds[1:]):.1f} s")


if __name__ == "__main__":
    main()
