"""Stores with the bugs that shops know: right when asked one by one, wrong when it matters."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from inventory.holds import Hold, combine
from inventory.journal import Balance, Item
from inventory.refusals import Refusal, Refused, Shortage
from inventory.reservations import ConfirmReservation, ReleaseReservation, ReserveStock
from inventory.store import EVERYWHERE, Availability, Decision, Once, Positioned, Tally, View
from inventory_builders import TOPIC, a_movement, positioned
from inventory_histories.clients import LOCATION, LONG, CalledStore, Pause

# More than any test sells; a partition that no client uses.
_SPARE, _PARTITION = 1_000_000, 1_000


class Relay:
    """Passes on what the clients of a history call; a bug overrides one of them."""

    def __init__(self, store: CalledStore) -> None:
        self._store = store

    async def availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> Availability:
        return await self._store.availability(skus, view)

    async def reserve(self, command: ReserveStock, once: Once) -> Decision:
        return await self._store.reserve(command, once)

    async def confirm(self, command: ConfirmReservation, once: Once) -> Decision:
        return await self._store.confirm(command, once)

    async def release(self, command: ReleaseReservation, once: Once) -> Decision:
        return await self._store.release(command, once)

    async def apply_movements(self, topic: str, batch: Sequence[Positioned]) -> Tally:
        return await self._store.apply_movements(topic, batch)


class CheckThenDecrement(Relay):
    """Looks whether there is enough in one call and takes it in the next; the store below always has enough."""

    def __init__(self, store: CalledStore, between: Pause) -> None:
        super().__init__(store)
        self._between = between
        self._taken: set[str] = set()

    async def stock_up(self, skus: Sequence[str]) -> None:
        """Receive the units that make the store below accept whatever is taken."""
        spare = [a_movement(_SPARE, Item(sku, LOCATION)) for sku in skus]
        await self._store.apply_movements(TOPIC, positioned(*spare, partition=_PARTITION))

    async def availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> Availability:
        found = await super().availability(skus, view)
        return replace(found, skus={sku: _without_spare(balances) for sku, balances in found.skus.items()})

    async def reserve(self, command: ReserveStock, once: Once) -> Decision:
        if once.slot in self._taken:
            return await super().reserve(command, once)
        lines = combine(command.lines)
        found = await self.availability([line.item.sku for line in lines])
        available = {line: found.skus[line.item.sku][LOCATION].unreserved for line in lines}
        short = tuple(Shortage(each.item, each.quantity, available[each]) for each in lines)
        short = tuple(each for each in short if each.requested > each.available)
        if short:
            return Decision(found.as_of, Refused(Refusal.INSUFFICIENT_STOCK, shortages=short))
        await self._between()
        self._taken.add(once.slot)
        return await super().reserve(command, once)


class ExpiryOnlyOnRead(Relay):
    """Ends the holds whose time is over when somebody reads; a reservation finds their units still taken."""

    def __init__(self, store: CalledStore) -> None:
        super().__init__(store)
        self._ends: dict[str, datetime] = {}

    async def reserve(self, command: ReserveStock, once: Once) -> Decision:
        decision = await super().reserve(replace(command, expires_in=LONG), once)
        if not isinstance(decision.outcome, Hold):
            return decision
        end = decision.outcome.created_at + command.expires_in
        self._ends.setdefault(command.reservation_id, end)
        return replace(decision, outcome=replace(decision.outcome, expires_at=end))

    async def availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> Availability:
        now = (await super().availability([])).as_of
        for reservation_id in [each for each, end in self._ends.items() if end <= now]:
            del self._ends[reservation_id]
            await super().release(ReleaseReservation(reservation_id), Once(f"expired-{reservation_id}", ""))
        return await super().availability(skus, view)


class KeyWithoutBody(Relay):
    """Answers a known key with its first answer, whatever is asked this time."""

    def __init__(self, store: CalledStore) -> None:
        super().__init__(store)
        self._answers: dict[str, Decision] = {}

    async def reserve(self, command: ReserveStock, once: Once) -> Decision:
        if once.slot not in self._answers:
            self._answers[once.slot] = await super().reserve(command, once)
        return self._answers[once.slot]


def _without_spare(balances: dict[str, Balance]) -> dict[str, Balance]:
    return {
        location: replace(each, on_hand=each.on_hand - _SPARE, version=each.version - 1)
        for location, each in balances.items()
    }
