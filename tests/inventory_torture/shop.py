"""A checkout and a warehouse in a simulation: they call the application, lose answers and ask again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count
from random import Random
from typing import TypeVar

from inventory.adjustments import Adjustment, ChangeBy, CountAs, MoveTo, SetTo
from inventory.answers import Adjustments, Reservation
from inventory.application import Inventory
from inventory.errors import StockUnavailable
from inventory.holds import Line
from inventory.journal import Bucket, Item
from inventory_torture.actors import ITEMS, SHELVES, SKUS
from inventory_torture.server import Connection, SimulatedRedis
from inventory_torture.turns import Turn
from inventory_torture.watch import demand
from shopsphere_kit.clock import Clock
from shopsphere_kit.errors import ShopSphereError

T = TypeVar("T", Reservation, Adjustments)
TRIES = 5
LARGEST_BASKET = 1000


class Shop:
    """One client of the application; its baskets outlive it."""

    def __init__(self, name: str, server: SimulatedRedis, clock: Clock, draw: Random) -> None:
        self._name, self._server, self._clock, self._draw = name, server, clock, draw
        self._ids, self._keys = count(), count()
        self._holds: list[str] = []

    async def run(self) -> None:
        """One request after the other, until it hears that Redis holds another data set."""
        inventory = Inventory(Connection(self._server), self._new_id)  # type: ignore[arg-type]
        kinds = (self._reserve, self._confirm, self._release, self._extend, self._transfer, self._adjust, self._read)
        # A new epoch may have lost what was confirmed: it is paid for, so it is confirmed again.
        for _ in self._holds[-3:]:
            await self._confirm(inventory)
        while True:
            await self._draw.choices(kinds, (5, 5, 1, 1, 1, 1, 1))[0](inventory)
            await Turn()

    async def _reserve(self, inventory: Inventory) -> None:
        seconds, partial = self._draw.choice((1, 30, 3600, 3600)), self._draw.random() < 0.3
        lines = self._lines(LARGEST_BASKET if self._draw.random() < 0.002 else self._draw.randint(1, 3))

        def call(key: str, more: int) -> Awaitable[Reservation]:
            return inventory.reserve(self._name, key, lines, seconds + more, allow_partial=partial)

        made = await self._ask(call)
        if made:
            self._holds.append(made.hold.reservation_id)

    async def _confirm(self, inventory: Inventory) -> None:
        held, lines = self._pick(), self._lines(1) if self._draw.random() < 0.2 else []
        await self._ask(lambda key, more: inventory.confirm(self._name, key, held, self._lines(2) if more else lines))

    async def _release(self, inventory: Inventory) -> None:
        held = self._pick()
        await self._ask(lambda key, more: inventory.release(self._name, key, f"{held}{'x' * more}"))

    async def _extend(self, inventory: Inventory) -> None:
        held, seconds = self._pick(), self._draw.choice((1, 60))
        await self._ask(lambda key, more: inventory.extend(self._name, key, held, seconds + more))

    async def _transfer(self, inventory: Inventory) -> None:
        held, to = self._pick(), self._draw.choice(("S1", "S2"))
        await self._ask(lambda key, more: inventory.transfer(self._name, key, held, to, "S3" if more else ""))

    async def _adjust(self, inventory: Inventory) -> None:
        items = self._draw.sample(ITEMS, 2)
        batch = [self._adjustment(item, 0) for item in items]
        other = [self._adjustment(items[0], 1)]
        await self._ask(lambda key, more: inventory.adjust(self._name, key, other if more else batch))

    async def _read(self, inventory: Inventory) -> None:
        try:
            found = await inventory.batch_availability(SKUS)
        except StockUnavailable as error:
            if error.is_of_another_state:
                raise
            return
        for each in found.availabilities:
            told = each.figures()["available_to_promise"]
            parts = [max(0, balance.unreserved) for balance in each.locations.values()]
            demand(told == sum(parts) >= 0, "I6 a sum is not its parts", each)

    async def _ask(self, call: Callable[[str, int], Awaitable[T]]) -> T | None:
        """Ask until there is an answer, with one key; at times again for nothing, at times with another body."""
        key, first = f"key-{next(self._keys)}", None
        answered_other = False
        for _ in range(TRIES):
            is_other = self._draw.random() < 0.05
            try:
                answer = await call(key, int(is_other))
            except StockUnavailable as error:
                if error.is_of_another_state:
                    raise
                await Turn()
                continue
            except ShopSphereError:
                if is_other:
                    continue
                return None
            if first is not None and first.epoch == answer.epoch:
                demand(is_other == answered_other, "I8 two bodies were answered under one key", (first, answer))
                demand(_said(first) == _said(answer), "I8 two answers under one key", (first, answer))
            first, answered_other = answer, is_other
            if self._draw.random() < 0.9:
                return answer
        return first

    def _lines(self, most: int) -> list[Line]:
        return [Line(self._draw.choice(ITEMS), self._draw.randint(1, 3)) for _ in range(most)]

    def _adjustment(self, item: Item, more: int) -> Adjustment:
        shelf = self._draw.choice([each for each in SHELVES if each == item or each.bucket is Bucket.DAMAGED])
        shelf = shelf if shelf.sku == item.sku else item
        quantity = self._draw.randint(0, 6) + 10 * more
        if self._draw.random() < 0.25:
            return ChangeBy(item=shelf, quantity=quantity - 3)
        if self._draw.random() < 0.33:
            return SetTo(item=shelf, quantity=quantity, if_version=self._draw.choice((None, None, 3)))
        if self._draw.random() < 0.5:
            return CountAs(item=shelf, quantity=quantity, occurred_at=self._clock.now() - timedelta(hours=more))
        to = Bucket.QUALITY_CONTROL if shelf.bucket is Bucket.DAMAGED else Bucket.DAMAGED
        return MoveTo(item=Item(item.sku, item.location, shelf.bucket), quantity=1 + quantity, bucket=to)

    def _pick(self) -> str:
        return self._draw.choice(self._holds[-6:]) if self._holds else "R-none"

    def _new_id(self) -> str:
        return f"{self._name}-{next(self._ids)}"


def _said(answer: Reservation | Adjustments) -> tuple[object, object]:
    return (answer.hold if isinstance(answer, Reservation) else answer.adjusted), answer.as_of
