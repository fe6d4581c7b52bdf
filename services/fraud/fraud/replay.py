"""The past of every order of a known stretch of time: what training and rescoring walk through."""

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterable, Iterator

from fraud.features import HISTORY_MS, Features, features
from fraud.orders import History, Labels, Order, Position


def _entities(order: Order) -> Iterator[Hashable]:
    """Name the entities whose histories hold the order."""
    yield ("card", order.card_token)
    yield ("store", order.store_id)
    if order.user_id is not None:
        yield ("user", order.user_id)


class OrderIndex:
    """Orders by user, card and store, sorted by position; an order id is held once, the first version of it."""

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self._orders: dict[str, Order] = {}
        self._positions: dict[Hashable, list[Position]] = {}
        # Sorted input makes every insertion an append.
        for order in sorted(orders, key=lambda each: each.position):
            self.add(order)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._orders

    def __iter__(self) -> Iterator[Order]:
        return iter(self._orders.values())

    def get(self, order_id: str) -> Order | None:
        """Return the order of that id, or None."""
        return self._orders.get(order_id)

    def add(self, order: Order) -> None:
        """Take in an order; one that is already there changes nothing."""
        if order.order_id in self._orders:
            return
        self._orders[order.order_id] = order
        for entity in _entities(order):
            insort(self._positions.setdefault(entity, []), order.position)

    def discard(self, order_id: str) -> None:
        """Forget an order."""
        order = self._orders.pop(order_id, None)
        if order is None:
            return
        for entity in _entities(order):
            self._positions[entity].remove(order.position)

    def related(self, order: Order) -> list[Order]:
        """Return the orders of the last 30 days that share a user, card or store with the order."""
        found: dict[str, Order] = {}
        for entity in _entities(order):
            positions = self._positions.get(entity, [])
            first = bisect_left(positions, (order.ordered_at_ms - HISTORY_MS, 0, ""))
            last = bisect_left(positions, order.position)
            found.update((order_id, self._orders[order_id]) for *_, order_id in positions[first:last])
        return list(found.values())


def replay(orders: Iterable[Order], labels: Labels, *, start_ms: int, end_ms: int) -> Iterator[tuple[Order, Features]]:
    """Yield the orders of [start_ms, end_ms) by position, each with its features as they were at its own time."""
    index = OrderIndex(orders)
    for order in sorted(index, key=lambda each: each.position):
        if start_ms <= order.ordered_at_ms < end_ms:
            yield order, features(order, History(index.related(order), labels))
