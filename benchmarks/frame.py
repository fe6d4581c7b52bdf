"""The frame of every benchmark: two sides, alternating in one process tree, medians, and one JSON line at the end.

A script measures one claim. Both sides do the same work on the same inputs; the other side is set up as well as its own
users would. It exits 0 whether or not the goal holds: it reports.
"""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

# At least five rounds after a warm-up, so that one disturbance of a shared machine does not decide.
ROUNDS = 5


@dataclass(frozen=True)
class Outcome:
    """The last line of a benchmark's output; `ours` and `other` are medians in `unit`, `ratio` is ours / other."""

    claim: str
    ours: float
    other: float
    unit: str
    ratio: float
    goal: float
    holds: bool


def rate(work: Callable[[], int]) -> float:
    """Things per second of one run; `work` returns how many things it did."""
    started = time.perf_counter()
    done = work()
    return done / (time.perf_counter() - started)


def compare(
    claim: str, ours: Callable[[], int], other: Callable[[], int], *, unit: str, goal: float, rounds: int = ROUNDS
) -> Outcome:
    """Run both sides in turn, print each round and the medians, and return what the last line says."""
    rate(ours), rate(other)
    measured: list[tuple[float, float]] = []
    for number in range(1, rounds + 1):
        measured.append((rate(ours), rate(other)))
        print(f"round {number}: ours {measured[-1][0]:,.0f}  other {measured[-1][1]:,.0f} {unit}", flush=True)
    mine, theirs = (statistics.median(side) for side in zip(*measured, strict=True))
    worst = min(one / two for one, two in measured)
    print(f"worst round: {worst:.2f} times the other side")
    ratio = mine / theirs
    outcome = Outcome(claim, round(mine), round(theirs), unit, round(ratio, 3), goal, ratio >= goal)
    print(json.dumps(asdict(outcome)))
    return outcome
