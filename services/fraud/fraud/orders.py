"""The facts that fraud knows: orders and the labels that became known about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Position = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Order:
    """One web order as checkout sees it; `amount_minor` in the currency's minor unit, times in epoch milliseconds."""

    order_id: str
    user_id: str | None
    store_id: int
    card_token: str
    amount_minor: int
    units: int
    line_count: int
    ordered_at_ms: int

    @property
    def position(self) -> Position:
        """Where the order stands in time.

        Of one millisecond the shorter order id comes first, then the lesser text: for numbers, the lesser number.
        """
        return (self.ordered_at_ms, len(self.order_id), self.order_id)


@dataclass(frozen=True, slots=True)
class Label:
    """A verdict on an order and the moment at which it became known, in epoch milliseconds."""

    order_id: str
    is_fraud: bool
    known_at_ms: int


Labels = Mapping[str, Sequence[Label]]


@dataclass(frozen=True, slots=True)
class History:
    """Orders that share a user, card or store with the one at hand, in any order, and labels by order id."""

    orders: Sequence[Order] = ()
    labels: Labels = field(default_factory=dict)


def labels_by_order(labels: Iterable[Label]) -> dict[str, tuple[Label, ...]]:
    """Group labels by order id; a label that is delivered twice is kept once."""
    grouped: dict[str, tuple[Label, ...]] = {}
    for label in labels:
        known = grouped.get(label.order_id, ())
        if label not in known:
            grouped[label.order_id] = (*known, label)
    return grouped


def is_known_fraud(order_id: str, labels: Labels, at_ms: int) -> bool:
    """Say whether the newest label known at `at_ms` calls the order fraud; of two labels of one moment, fraud wins."""
    known = [(each.known_at_ms, each.is_fraud) for each in labels.get(order_id, ()) if each.known_at_ms <= at_ms]
    return bool(known) and max(known)[1]
