"""The year put together: one frozen day after the other, each with all that the three systems of record get."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from shopsphere_local.journey.behaviour import sessions_of
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.dataset import DAYS_IN_DATASET, FIRST_DAY, LAST_DAY_NUMBER, Basket, Dataset, day_start
from shopsphere_local.journey.dirt import Delivery, with_unknown_skus
from shopsphere_local.journey.fraud import FraudPlan, Label, label_of
from shopsphere_local.journey.marketplace import Marketplace, Operation
from shopsphere_local.journey.messages import Message, behaviour_messages, label_message, movement_messages
from shopsphere_local.journey.orders import Order, OrderBook
from shopsphere_local.journey.people import People
from shopsphere_local.journey.rates import SUPPLY_PERIOD_DAYS
from shopsphere_local.journey.shop import Transaction, transactions
from shopsphere_local.journey.stock import Movement, PlannedDay, StockPlan

# The file is read a week at a time: a few ten thousand lines in memory.
_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Day:
    """All that happens on one day, in order: the shop's transactions, the marketplace's operations, the messages."""

    number: int
    date: date
    transactions: tuple[Transaction, ...]
    operations: tuple[Operation, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class World:
    """What is fixed before the first day: the data, the seed's draws, the people and the fraud."""

    dataset: Dataset
    chance: Chance
    people: People
    fraud: FraudPlan


def order_days(world: World) -> Iterator[tuple[int, list[Order]]]:
    """Every day's orders and returns, for the whole year; the file is read week by week."""
    book = OrderBook(world.chance, world.people, world.fraud)
    for first in range(0, DAYS_IN_DATASET, _WEEK):
        last = min(first + _WEEK - 1, LAST_DAY_NUMBER)
        by_day: defaultdict[int, list[Basket]] = defaultdict(list)
        for basket in world.dataset.baskets(first, last):
            by_day[basket.day].append(basket)
        for number in range(first, last + 1):
            yield number, book.day(number, by_day[number])


def replay(world: World) -> Iterator[Day]:
    """The days from the first to the last; nothing in a day depends on how many will be asked for."""
    marketplace = Marketplace(world.chance, world.people)
    stock = StockPlan(world.chance)
    finisher = _Finisher(world)
    period: list[PlannedDay] = []
    for number, orders in order_days(world):
        period.append(PlannedDay(number, orders, marketplace.day(number, orders)))
        if len(period) == SUPPLY_PERIOD_DAYS or number == LAST_DAY_NUMBER:
            movements = stock.period(period)
            for day in period:
                yield finisher.day(day, movements[day.number])
            period = []


class _Finisher:
    """Makes a planned day's records and keeps the labels that become known later."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._delivery = Delivery(world.chance)
        self._labels: defaultdict[int, list[Label]] = defaultdict(list)

    def day(self, planned: PlannedDay, movements: list[Movement]) -> Day:
        """The finished day."""
        people, number = self._world.people, planned.number
        changes, closures = people.changes.get(number, []), people.closures.get(number, [])
        return Day(
            number=number,
            date=FIRST_DAY + timedelta(days=number),
            transactions=tuple(transactions(planned.orders, changes, closures)),
            operations=tuple(planned.operations),
            messages=tuple(self._messages(planned, movements)),
        )

    def _messages(self, planned: PlannedDay, movements: list[Movement]) -> list[Message]:
        chance, number = self._world.chance, planned.number
        self._learn(planned)
        labels = sorted(self._labels.pop(number, []), key=lambda label: (label.known_at, label.order_key))
        return self._delivery.day(
            number,
            [
                *movement_messages(number, with_unknown_skus(chance, movements)),
                *behaviour_messages(number, sessions_of(chance, list(planned.orders))),
                *map(label_message, labels),
            ],
        )

    def _learn(self, planned: PlannedDay) -> None:
        """Put the labels of the day's orders where they become known."""
        for order in planned.orders:
            if (label := label_for(self._world.chance, order)) is not None:
                self._labels[(label.known_at - day_start(0)).days].append(label)


def label_for(chance: Chance, order: Order) -> Label | None:
    """The label that an order gets, if any: only orders paid without the card at hand are charged back."""
    if order.is_return or not order.card_is_absent:
        return None
    return label_of(chance, order.key, order.scenario, order.ordered_at)
