"""Stock movements around the sales: opening counts, receipts, returns, transfers and shrinkage.

The planner knows the orders of one supply period (three days, counted from 1 January 2017) and nothing later. A sku at
a store opens at midnight of the day of its first sale with a count that covers the rest of the period; at each period's
first midnight a receipt tops up what the period will sell. What leaves a store otherwise comes out of the surplus
beyond the period's sales, so stock is never below zero at any moment in the order of `occurred_at` and `sequence`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from shopsphere_kit.events import MovementType

from shopsphere_local.journey import rates
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.dataset import day_start
from shopsphere_local.journey.marketplace import Operation, StatusChanged
from shopsphere_local.journey.orders import Order

# Lorries and stocktakers come in the evening, between 20:00 and 23:00.
_EVENING_SECOND: Final = 20 * 3600
_EVENING_SECONDS: Final = 3 * 3600
_SOURCES: Final = {Channel.TILL: "pos", Channel.WEB: "web", Channel.MARKETPLACE: "marketplace"}
# Of movements of one moment, those that bring a key into being come first, then what fills it.
_RANKS: Final[dict[MovementType, int]] = {"count": 0, "receipt": 1}


class Shelf(NamedTuple):
    """A sku at a location."""

    sku: str
    location: str


class Movement(NamedTuple):
    """One movement; quantity is its signed effect on on-hand, or the counted on-hand; about makes its id unique."""

    type: MovementType
    occurred_at: datetime
    source: str
    shelf: Shelf
    quantity: int
    order_id: str | None
    about: tuple[object, ...]

    @property
    def place_in_time(self) -> tuple[datetime, int, tuple[str, ...]]:
        """The order in which movements happened."""
        return (self.occurred_at, _RANKS.get(self.type, 2), tuple(map(str, self.about)))


class PlannedDay(NamedTuple):
    """What moves stock on one day."""

    number: int
    orders: Sequence[Order]
    operations: Sequence[Operation]


class StockPlan:
    """Keeps what lies on every shelf between the periods; they must be asked for in their order."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._on_hand: dict[Shelf, int] = {}

    def period(self, days: Sequence[PlannedDay]) -> dict[int, list[Movement]]:
        """Every movement of the period by day number, in the order of time."""
        sales = {day.number: [m for order in day.orders for m in _sales(order)] for day in days}
        given_back = {day.number: list(_given_back(day)) for day in days}
        opened = self._supply(days[0].number, sales)
        moves = [*opened, *self._evening_moves(days, opened)]
        found: dict[int, list[Movement]] = {n: sales[n] + given_back[n] for n in sales}
        for movement in moves:
            found[(movement.occurred_at - day_start(0)).days].append(movement)
        for movements in given_back.values():
            for movement in movements:
                self._on_hand[movement.shelf] += movement.quantity
        return {n: sorted(movements, key=lambda m: m.place_in_time) for n, movements in found.items()}

    def _supply(self, first_day: int, sales: dict[int, list[Movement]]) -> list[Movement]:
        """Opening counts and receipts that cover the period's sales; leaves the surplus in on-hand."""
        demand: defaultdict[Shelf, int] = defaultdict(int)
        first_sale: dict[Shelf, int] = {}
        for number, movements in sales.items():
            for movement in movements:
                demand[movement.shelf] -= movement.quantity
                first_sale.setdefault(movement.shelf, number)
        supplies = []
        for shelf, units in demand.items():
            if shelf not in self._on_hand:
                supplies.append(self._opening(shelf, first_sale[shelf], units))
                self._on_hand[shelf] = supplies[-1].quantity
            elif self._on_hand[shelf] < units:
                supplies.append(_receipt(shelf, first_day, units - self._on_hand[shelf]))
                self._on_hand[shelf] += supplies[-1].quantity
            self._on_hand[shelf] -= units
        return supplies

    def _opening(self, shelf: Shelf, day: int, units: int) -> Movement:
        """The count before a shelf's first movement: the period's sales and a few units more."""
        counted = units + self._chance.pick(rates.OPENING_SURPLUS, "opening", *shelf)
        return Movement("count", day_start(day), "stocktake", shelf, counted, None, ("count", *shelf))

    def _evening_moves(self, days: Sequence[PlannedDay], opened: list[Movement]) -> Iterator[Movement]:
        """Transfers to another store and shrinkage, out of the surplus of the shelves supplied in this period."""
        by_sku: defaultdict[str, list[Shelf]] = defaultdict(list)
        for movement in opened:
            by_sku[movement.shelf.sku].append(movement.shelf)
        last = days[-1].number
        for movement in opened:
            shelf = movement.shelf
            if self._on_hand[shelf] < 1:
                continue
            if self._chance.happens(rates.TRANSFERRED, "transfer", last, *shelf):
                yield from self._transfer(shelf, by_sku[shelf.sku], last)
            elif self._chance.happens(rates.SHRINKAGE, "shrinkage", last, *shelf):
                self._on_hand[shelf] -= 1
                about = ("adjustment", last, *shelf)
                yield Movement("adjustment", self._evening(last, shelf), "stocktake", shelf, -1, None, about)

    def _transfer(self, shelf: Shelf, shelves: list[Shelf], day: int) -> Iterator[Movement]:
        """Half the surplus, at least one unit, to another store that sells the sku; two movements of one moment."""
        others = [other for other in shelves if other != shelf]
        if not others:
            return
        other = others[self._chance.pick(len(others), "transfer to", day, *shelf)]
        units = (self._on_hand[shelf] + 1) // 2
        at = self._evening(day, shelf)
        for place, quantity in ((shelf, -units), (other, units)):
            self._on_hand[place] += quantity
            about = ("transfer", day, *shelf, place.location)
            yield Movement("transfer", at, "warehouse", place, quantity, None, about)

    def _evening(self, day: int, shelf: Shelf) -> datetime:
        second = _EVENING_SECOND + self._chance.pick(_EVENING_SECONDS, "evening", day, *shelf)
        return day_start(day) + timedelta(seconds=second)


def _receipt(shelf: Shelf, day: int, missing: int) -> Movement:
    """Whole cases that cover what is missing, delivered at midnight."""
    units = -(-missing // rates.CASE_PACK) * rates.CASE_PACK
    return Movement("receipt", day_start(day), "warehouse", shelf, units, None, ("receipt", day, *shelf))


def _sales(order: Order) -> Iterator[Movement]:
    """One sale per order line of every channel."""
    if order.is_return:
        return
    location, source = f"S{order.store_id}", _SOURCES[order.channel]
    for line in order.lines:
        about = ("sale", order.key, line.number)
        yield Movement("sale", order.ordered_at, source, Shelf(line.sku, location), -line.quantity, order.key, about)


def _given_back(day: PlannedDay) -> Iterator[Movement]:
    """One return per line of an order that comes back, and of a cancelled marketplace order."""
    for order in day.orders:
        if order.is_return:
            yield from _returns(order, order.ordered_at)
    for operation in day.operations:
        if isinstance(operation, StatusChanged) and operation.status == "cancelled":
            yield from _returns(operation.order, operation.at)


def _returns(order: Order, at: datetime) -> Iterator[Movement]:
    location, source = f"S{order.store_id}", _SOURCES[order.channel]
    for line in order.lines:
        about = ("return", order.key, line.number)
        yield Movement("return", at, source, Shelf(line.sku, location), abs(line.quantity), order.key, about)
