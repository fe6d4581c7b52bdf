"""Redis' on hand against the lake's newest daily closes, item by item, and whether newer movements explain the rest.

The lake is a release behind: what Redis has taken since is no difference. So where two figures differ, the journal is
folded anew without the movements that the release lacks and must give the lake's figure, and with them Redis'.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from inventory import stock
from inventory.content import Balances
from inventory.journal import Balance, Bucket, Item, MovementType, ReservationConfirmed, StockEvent, StockMoved, evolve
from inventory.stock import ApplyMovement
from inventory.store import StockStore

# How the event ids of our own sales begin (reservations.sale_id).
_SALE = "reservation:"


class ReleasedStock(Protocol):
    """The stock of one release of the lake."""

    @property
    def release_id(self) -> str:
        """The release that is read."""
        ...

    def closes(self) -> dict[Item, int]:
        """On hand at the close of each item's last day."""
        ...

    def event_ids(self, items: Iterable[Item]) -> Mapping[Item, frozenset[str]]:
        """The event ids of the movements that the closes are made of; an item without any may be left out."""
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """An item with two figures; None where one side does not know it.

    `newer` movements are in Redis and not in the release, `missing` the other way round.
    """

    sku: str
    location: str
    redis: int | None
    lake: int | None
    newer: int
    missing: int
    is_explained: bool


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was compared; `explained` differences come of movements newer than the release, the others of an error."""

    release: str
    items: int
    equal: int
    explained: int
    unexplained: int
    differences: tuple[Difference, ...]


async def reconcile(kept: Balances, store: StockStore, released: ReleasedStock) -> Reconciliation:
    """Compare every item that either side knows; differences that nothing explains come first."""
    lake = released.closes()
    # The lake's closes are what is on hand; what is set aside has none.
    redis = {item: balance.on_hand async for item, balance in kept.balances() if item.bucket is Bucket.ON_HAND}
    items = redis.keys() | lake.keys()
    differing = sorted(item for item in items if redis.get(item) != lake.get(item))
    known = released.event_ids(differing)
    found = [
        _difference(item, await _journal(store, item), redis.get(item), lake.get(item), known.get(item, frozenset()))
        for item in differing
    ]
    found.sort(key=lambda each: each.is_explained)
    explained = sum(each.is_explained for each in found)
    unexplained = len(found) - explained
    return Reconciliation(
        released.release_id, len(items), len(items) - len(found), explained, unexplained, tuple(found)
    )


async def _journal(store: StockStore, item: Item) -> list[StockEvent]:
    return [event for ledger in await store.ledgers(item.sku) if ledger.item == item for event in ledger.journal]


def _difference(
    item: Item, journal: Iterable[StockEvent], redis: int | None, lake: int | None, known: frozenset[str]
) -> Difference:
    moved = [movement for event in journal if (movement := _movement(event))]
    known = frozenset(map(_without_line, known))
    released = {movement.event_id for movement in moved} & known
    older = [movement for movement in moved if movement.event_id in released]
    missing = len(known) - len(released)
    is_explained = not missing and (_fold(older), _fold(moved)) == (lake, redis)
    return Difference(item.sku, item.location, redis, lake, len(moved) - len(older), missing, is_explained)


def _movement(event: StockEvent) -> ApplyMovement | None:
    """What an entry of the journal is on the topic, apart from the number of the line that a sale is of."""
    if isinstance(event, StockMoved):
        return ApplyMovement(_without_line(event.event_id), event.type, event.item, event.quantity, event.occurred_at)
    if isinstance(event, ReservationConfirmed) and not event.is_known_sale:
        sale = f"{_SALE}{event.reservation_id}"
        return ApplyMovement(sale, MovementType.SALE, event.item, -event.quantity, event.sold_at)
    return None


def _without_line(event_id: str) -> str:
    # The journal of an item does not say which line of its reservation it was; one item is one line.
    return event_id.rpartition(":")[0] if event_id.startswith(_SALE) else event_id


def _fold(movements: Iterable[ApplyMovement]) -> int | None:
    balance, journal = Balance(), list[StockEvent]()
    for movement in movements:
        journal.append(stock.move(movement, balance, journal, movement.occurred_at))
        balance = evolve(balance, journal[-1])
    return balance.on_hand if journal else None
