"""The frame of every benchmark: two sides, alternating in one process tree, medians, and one JSON line at the end.

A script measures one claim. Both sides do the same work on the same inputs; the other side is set up as well as its own
users would. It exits 0 whether or not the goal holds: it reports.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

# At least five rounds after a warm-up, so that one disturbance of a shared machine does not decide. Less is for trying.
ROUNDS = int(os.environ.get("ROUNDS", "5"))
# Figures below this are printed with their decimals.
_SMALL = 100


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


def compare(claim: str, ours: Callable[[], int], other: Callable[[], int], *, unit: str, goal: float) -> Outcome:
    """Time both sides in turn and report; the goal is a ratio."""
    measured = alternate(lambda: rate(ours), lambda: rate(other), unit)
    worst = min(one / two for one, two in measured)
    print(f"worst round: {worst:.2f} times the other side")
    return report(claim, measured, unit=unit, goal=goal)


def alternate(ours: Callable[[], float], other: Callable[[], float], unit: str) -> list[tuple[float, float]]:
    """Run both sides in turn, once to warm up and then so many rounds as count; each side measures itself."""
    print(f"warm-up: ours {number(ours())}  other {number(other())} {unit}", flush=True)
    measured: list[tuple[float, float]] = []
    for each in range(1, ROUNDS + 1):
        measured.append((ours(), other()))
        print(f"round {each}: ours {number(measured[-1][0])}  other {number(measured[-1][1])} {unit}", flush=True)
    return measured


def report(
    claim: str,
    measured: list[tuple[float, float]],
    *,
    unit: str,
    goal: float,
    holds: Callable[[float, float], bool] | None = None,
) -> Outcome:
    """Print the last line; the goal is a ratio, unless `holds` says by both medians whether it is reached."""
    mine, theirs = (statistics.median(side) for side in zip(*measured, strict=True))
    reached = mine / theirs >= goal if holds is None else holds(mine, theirs)
    outcome = Outcome(claim, _rounded(mine), _rounded(theirs), unit, round(mine / theirs, 3), goal, reached)
    print(json.dumps(asdict(outcome)))
    return outcome


def number(value: float) -> str:
    """A figure as a round prints it."""
    return f"{value:,.3f}" if value < _SMALL else f"{value:,.0f}"


def _rounded(value: float) -> float:
    return round(value, 3) if value < _SMALL else round(value)
