"""Claim: 10 million recorded operations are checked for linearizability in ten minutes of one core.

Ours: the checker of `tests/linearizability`, sku by sku, on what eight clients recorded of a correct store of 1,000
skus; one answer in 10,000 is lost. The other side: the same operations through the same model, one by one in the order
in which they took effect, which the checker does not know: the floor. Printed beside: eight clients that never leave
one sku. Rates are per CPU-second. OPERATIONS=1000000 tries it with less.
"""

import os
import time
from collections.abc import Callable
from random import Random

from frame import number, report
from linearizability.checker import check
from linearizability.moments import AnyOperation
from linearizability.operation import LOST
from linearizability.simulation import Shoppers, Trouble, in_turn, recorded
from linearizability.stock_model import StockModel

OPERATIONS = int(os.environ.get("OPERATIONS", "10000000"))
SKUS, CLIENTS, SEED = 1_000, 8, 20170101
# The hot skus have as many operations each, but fewer of them are looked at.
HOT_SKUS = 20
TROUBLE = Trouble(lost=1 / 10_000)
GOAL = 10_000_000 // 600


def history(sku: int, busy: float) -> list[AnyOperation]:
    """What the clients recorded of one sku, by the effects; a lost one among them may have had none."""
    draw = Random(SEED + sku)  # noqa: S311 - inputs of a benchmark
    spans = in_turn(draw, OPERATIONS // SKUS, CLIENTS, busy)
    return recorded(draw, f"P{sku}", Shoppers(receipt=50, foreign=0.1), spans, TROUBLE)


def checked(operations: list[AnyOperation]) -> None:
    """Ours."""
    assert check(operations, StockModel()).is_linearizable


def replayed(operations: list[AnyOperation]) -> None:
    """The floor. Where a lost answer leads it astray it steps over what does not fit, which costs as much."""
    model = StockModel()
    state = model.initial()
    for operation in operations:
        if operation.response is not LOST:
            state = model.step(state, operation.invocation, operation.response) or state


def cpu_seconds(side: Callable[[list[AnyOperation]], None], operations: list[AnyOperation]) -> float:
    """What a side takes."""
    started = time.process_time()
    side(operations)
    return time.process_time() - started


def rates(skus: int, busy: float) -> tuple[float, float]:
    """(operations per CPU-second checked, and replayed), both sides in turn at each sku."""
    done, ours, floor = 0, 0.0, 0.0
    for sku in range(skus):
        operations = history(sku, busy)
        ours += cpu_seconds(checked, operations)
        floor += cpu_seconds(replayed, operations)
        done += len(operations)
    print(f"{done:,} operations on {skus:,} skus: {number(done / ours)} checked/s, {ours:,.0f} CPU-seconds", flush=True)
    return done / ours, done / floor


def main() -> None:
    """Measure both kinds of traffic."""
    rates(HOT_SKUS, busy=1)
    measured = [rates(SKUS, busy=1 / SKUS)]
    report(
        "inventory/check_histories", measured, unit="operations/CPU-s", goal=GOAL, holds=lambda mine, _: mine >= GOAL
    )


if __name__ == "__main__":
    main()
