"""The marketplace's orders and how their status moves: placed, then shipped and delivered, or cancelled."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from shopsphere_local.journey import rates
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.orders import Order
from shopsphere_local.journey.people import People
from shopsphere_local.journey.spelling import Buyer, spell

Status = Literal["shipped", "delivered", "cancelled"]


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """A new document."""

    order: Order
    buyer: Buyer
    at: datetime


@dataclass(frozen=True, slots=True)
class BrokenDocumentInserted:
    """A document without a real order in it: its items are text where an array belongs."""

    number: str
    buyer: Buyer
    at: datetime


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A later update of the document."""

    order: Order
    status: Status
    at: datetime


Operation = OrderPlaced | BrokenDocumentInserted | StatusChanged


class Marketplace:
    """Turns a day's orders into the collection's operations; days must be asked for in their order."""

    def __init__(self, chance: Chance, people: People) -> None:
        self._chance, self._people = chance, people
        self._due: defaultdict[int, list[StatusChanged]] = defaultdict(list)

    def day(self, number: int, orders: list[Order]) -> list[Operation]:
        """The day's inserts and updates in the order of time."""
        operations: list[Operation] = []
        for order in orders:
            if order.channel is Channel.MARKETPLACE:
                operations += self._placed(order)
                self._plan(number, order)
        return sorted([*operations, *self._due.pop(number, [])], key=lambda operation: operation.at)

    def _placed(self, order: Order) -> list[Operation]:
        """The order's document and, for 1 % of them, a broken one right after it."""
        buyer = spell(self._chance, self._people.profile_at(order.household_id, order.ordered_at))
        placed: list[Operation] = [OrderPlaced(order, buyer, order.ordered_at)]
        if self._chance.happens(rates.BROKEN_DOCUMENTS, "broken document", order.order_id):
            at = order.ordered_at + timedelta(seconds=1)
            placed.append(BrokenDocumentInserted(f"MP-BROKEN-{order.order_id}", buyer, at))
        return placed

    def _plan(self, number: int, order: Order) -> None:
        """2 % are cancelled a day after they were placed, the others shipped then and delivered after three days."""
        cancelled = self._chance.happens(rates.MARKETPLACE_CANCELLED, "cancelled", order.order_id)
        steps: list[tuple[Status, int]] = (
            [("cancelled", rates.SHIPPED_AFTER_DAYS)]
            if cancelled
            else [("shipped", rates.SHIPPED_AFTER_DAYS), ("delivered", rates.DELIVERED_AFTER_DAYS)]
        )
        for status, days in steps:
            self._due[number + days].append(StatusChanged(order, status, order.ordered_at + timedelta(days=days)))
