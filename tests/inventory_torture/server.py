"""A Redis of a simulation: the store in memory as one data set after another, behind connections that lose answers."""

import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any, TypeVar

from inventory.adjustments import AdjustStock
from inventory.errors import IdempotencyKeyReused, StockUnavailable
from inventory.memory_store import InMemoryStockStore
from inventory.redis_failures import AWAY, BY_CODE, TIMED_OUT, Failure
from inventory.reservations import (
    ConfirmReservation,
    ExtendReservation,
    ReleaseReservation,
    ReserveStock,
    TransferReservation,
)
from inventory.store import EVERYWHERE, Availability, Decision, Once, Outgoing, Owned, Positioned, Tally, View
from inventory_torture.turns import Turn
from inventory_torture.watch import Watch, demand
from shopsphere_kit.clock import Clock

T = TypeVar("T")
REFUSALS = ("OOM", "READONLY", "LOADING", "BUSY", "MISCONF", "NOREPLICAS")


@dataclass(frozen=True, slots=True)
class Copy:
    """A data set as it was."""

    store: InMemoryStockStore
    epoch: int
    sequence: int


class SimulatedRedis:
    """One data set at a time; who opened another one is refused by its fence."""

    def __init__(self, draw: Random, clock: Clock) -> None:
        self.draw, self._clock = draw, clock
        self.epoch = self.sequence = 0
        self.refuses: str | None = None
        self.lost_answers = 0.0
        self.went_back = False
        self.owners: dict[int, object] = {}
        self._begin(InMemoryStockStore(clock, epoch=1), 1, 0)

    def flush(self) -> None:
        """FLUSHALL: an empty database gets a new epoch."""
        self.store.fence.lose_data_set()
        self._begin(InMemoryStockStore(self._clock, epoch=self.epoch + 1), self.epoch + 1, 0)

    def copied(self) -> Copy:
        """What a backup of now has."""
        return Copy(_twin(self.store), self.epoch, self.sequence)

    def put_back(self, kept: Copy) -> None:
        """An older copy in the place of the data set; somebody who runs has seen more, if there was more."""
        if kept.epoch == self.epoch and kept.sequence < self.sequence:
            self._begin(_twin(kept.store), kept.epoch, kept.sequence)
            self.went_back = True

    def reopen(self) -> None:
        """Take what is there under a new epoch."""
        after = _twin(self.store)
        self.store.fence.lose_data_set()
        after.fence.epoch = after.fence._held = self.epoch + 1
        self._begin(after, self.epoch + 1, self.sequence + 1)

    def admit(self) -> None:
        """Raise StockUnavailable when nothing is done at all."""
        if self.refuses:
            raise unavailable(BY_CODE[self.refuses])
        if self.went_back:
            raise unavailable(BY_CODE["STATEWENTBACK"])

    def _begin(self, store: InMemoryStockStore, epoch: int, sequence: int) -> None:
        self.store, self.epoch, self.sequence, self.went_back = store, epoch, sequence, False
        self.watch = Watch(store)
        self.owners.clear()


class Connection:
    """What one process sees of Redis: each call may be refused, or its answer lost before or after the function."""

    def __init__(self, server: SimulatedRedis) -> None:
        self._server, self._opened, self._epoch = server, server.store, server.epoch

    async def availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> Availability:
        return await self._call(lambda store: store.availability(skus, view))

    async def reserve(self, command: ReserveStock, once: Once) -> Decision:
        return await self._decide(once, lambda store: store.reserve(command, once))

    async def extend(self, command: ExtendReservation, once: Once) -> Decision:
        return await self._decide(once, lambda store: store.extend(command, once))

    async def transfer(self, command: TransferReservation, once: Once) -> Decision:
        return await self._decide(once, lambda store: store.transfer(command, once))

    async def confirm(self, command: ConfirmReservation, once: Once) -> Decision:
        return await self._decide(once, lambda store: store.confirm(command, once))

    async def release(self, command: ReleaseReservation, once: Once) -> Decision:
        return await self._decide(once, lambda store: store.release(command, once))

    async def adjust(self, command: AdjustStock, once: Once) -> Decision:
        return await self._decide(once, lambda store: store.adjust(command, once))

    async def reservation(self, reservation_id: str) -> Decision:
        return await self._call(lambda store: store.reservation(reservation_id))

    async def offsets(self, topic: str) -> dict[int, int]:
        return await self._call(lambda store: store.offsets(topic))

    async def outbox(self, most: int) -> list[Outgoing]:
        return await self._call(lambda store: store.outbox(most))

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        await self._call(lambda store: store.sent(outgoing))

    async def take_over(self, topic: str, partitions: Sequence[int]) -> dict[int, Owned]:
        async def owning(store: InMemoryStockStore) -> dict[int, Owned]:
            owned = await store.take_over(topic, partitions)
            self._server.owners.update(dict.fromkeys(partitions, self))
            return owned

        return await self._call(owning)

    async def apply_movements(
        self, topic: str, batch: Sequence[Positioned], owners: Mapping[int, int] | None = None
    ) -> Tally:
        async def applied(store: InMemoryStockStore) -> Tally:
            tally = await store.apply_movements(topic, batch, owners)
            foreign = [each.partition for each in batch if self._server.owners.get(each.partition) is not self]
            demand(not foreign, "I10 who is no owner has written", foreign)
            demand(not tally.gaps, "I4 offsets were jumped over", batch)
            return tally

        return await self._call(applied)

    async def _decide(self, once: Once, call: Callable[[InMemoryStockStore], Awaitable[Decision]]) -> Decision:
        async def decided(store: InMemoryStockStore) -> Decision:
            try:
                decision = await call(store)
            except IdempotencyKeyReused:
                self._server.watch.refused_as_reused(once)
                raise
            self._server.watch.answered(once, decision)
            return decision

        return await self._call(decided)

    async def _call(self, call: Callable[[InMemoryStockStore], Awaitable[T]]) -> T:
        await Turn()
        server = self._server
        server.admit()
        is_lost = server.draw.random() < server.lost_answers
        if is_lost and server.draw.random() < 0.5:
            raise unavailable(AWAY)
        answer = await call(server.store if server.epoch == self._epoch else self._opened)
        demand(server.epoch == self._epoch, "I10 a data set that is gone was written to", self._epoch)
        server.sequence += 1
        server.watch.look()
        await Turn()
        if is_lost:
            raise unavailable(TIMED_OUT)
        return answer


def unavailable(failure: Failure) -> StockUnavailable:
    """What a caller hears."""
    return StockUnavailable(failure.meaning, reason=failure.reason, retry_after_seconds=failure.retry_after_seconds)


def _twin(store: InMemoryStockStore) -> InMemoryStockStore:
    """A store with the same contents; what it holds is never changed in place, but for the containers and its parts."""
    twin: InMemoryStockStore = _part(store)
    return twin


def _part(part: Any) -> Any:
    twin = copy.copy(part)
    vars(twin).update({name: _copied(value) for name, value in vars(part).items()})
    return twin


def _copied(value: object) -> object:
    if isinstance(value, dict):
        twin = copy.copy(value)
        for key, each in value.items():
            twin[key] = _copied(each)
        return twin
    if type(value).__module__.startswith("inventory.") and hasattr(value, "__dict__") and not isinstance(value, Enum):
        return _part(value)
    return copy.copy(value) if isinstance(value, list | set) else value
