"""Claim: identity resolution takes in at least 2,000 records a second incrementally, in batches of 1,000, on two cores.

Ours: a resolver that knows RECORDS (100,000) records of the population `shop` takes in ten batches of 1,000 more.
The other side: the same resolver resolving everything at once, which shows what a change costs beside a rebuild.
Splink's seconds for the same records are printed when SPLINK=1.
"""

import os
import tempfile
import time
from pathlib import Path

import people
from frame import alternate, report
from people_tables import invented, splink
from transform.identity.resolver import Resolver

RECORDS = int(os.environ.get("RECORDS", "100000"))
BATCH, BATCHES = 1000, 10
GOAL = 2000
SEED = 20261126


def main() -> None:
    """Measure both in turn; a record's spelling and blocking keys are part of both."""
    known = invented(people.SHOP, RECORDS + BATCH * BATCHES, SEED)
    records = known.records()
    before, after = records[:RECORDS], records[RECORDS : RECORDS + BATCH * BATCHES]

    def incremental() -> float:
        resolver = Resolver()
        resolver.update(before)
        started = time.perf_counter()
        for at in range(0, len(after), BATCH):
            resolver.update(after[at : at + BATCH])
        return len(after) / (time.perf_counter() - started)

    def full() -> float:
        started = time.perf_counter()
        Resolver().update(records)
        return len(records) / (time.perf_counter() - started)

    measured = alternate(incremental, full, "records/s")
    if os.environ.get("SPLINK"):
        with tempfile.TemporaryDirectory() as folder:
            print(f"Splink: {len(records) / splink(known, Path(folder))[1]:,.0f} records/s")
    report(
        "records per second of incremental identity resolution beside a full one",
        measured,
        unit="records/s",
        goal=GOAL,
        holds=lambda mine, _: mine >= GOAL,
    )


if __name__ == "__main__":
    main()
