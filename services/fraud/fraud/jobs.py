"""The jobs over the lake's orders: loading them into the velocity store, and scoring the past again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from fraud.features import DAY_MS, Features
from fraud.orders import Label, Order, labels_by_order
from fraud.replay import replay
from fraud.scoring import Policy, ScoringModel, Verdict, judge
from fraud.store import VelocityStore

# A call holds Redis for about a millisecond per hundred orders.
BATCH = 500


@dataclass(frozen=True, slots=True)
class HistoryLoaded:
    """How many orders and labels were offered to the store, and how many were new to it."""

    orders: int
    orders_new: int
    labels: int
    labels_new: int


async def warm(
    store: VelocityStore, orders: Sequence[Order], labels: Sequence[Label], *, until_ms: int, days: int
) -> HistoryLoaded:
    """Load the orders of the `days` before `until_ms` and the labels known by then; doing it again changes nothing."""
    start_ms = until_ms - days * DAY_MS
    past = [order for order in orders if start_ms <= order.ordered_at_ms < until_ms]
    known = [label for label in labels if start_ms <= label.known_at_ms < until_ms]
    orders_new = sum([await store.record(past[i : i + BATCH]) for i in range(0, len(past), BATCH)])
    labels_new = sum([await store.label(known[i : i + BATCH]) for i in range(0, len(known), BATCH)])
    return HistoryLoaded(len(past), orders_new, len(known), labels_new)


@dataclass(frozen=True, slots=True)
class Rescored:
    """What the code says offline about an order of the past."""

    order: Order
    features: Features
    verdict: Verdict

    def as_json(self) -> bytes:
        """Write one JSON line: order_id, score_bits, decision, model_version, features in their stated order."""
        return msgspec.json.encode(
            {
                "order_id": self.order.order_id,
                "score_bits": self.verdict.score_bits,
                "decision": self.verdict.decision.value,
                "model_version": self.verdict.model_version,
                "features": self.features,
            }
        )


def rescore(
    orders: Sequence[Order],
    labels: Sequence[Label],
    model: ScoringModel,
    policy: Policy,
    *,
    start_ms: int,
    end_ms: int,
) -> Iterator[Rescored]:
    """Score the orders of [start_ms, end_ms) again, by position, as serving would have at their time."""
    for order, vector in replay(orders, labels_by_order(labels), start_ms=start_ms, end_ms=end_ms):
        yield Rescored(order, vector, judge(order, vector, model, policy))
