"""Clients of a stock store that call at random, lose answers, ask again, and record what they saw."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Protocol, TypeVar

from ingest_torture.chance import stream
from inventory.errors import IdempotencyKeyReused, StockUnavailable
from inventory.holds import Hold, Line
from inventory.journal import Item
from inventory.reservations import ConfirmReservation, ReleaseReservation, ReserveStock
from inventory.store import EVERYWHERE, Availability, Decision, Once, Positioned, Tally, View
from inventory_builders import TOPIC, a_movement, positioned
from inventory_histories.recorder import Recorder
from linearizability.moments import AnyOperation
from linearizability.operation import LOST, Lost
from linearizability.stock_model import Confirm, Release

LOCATION = "S1"
LONG = timedelta(hours=1)
T = TypeVar("T")
Pause = Callable[[], Awaitable[None]]


class CalledStore(Protocol):
    """What the clients of a history call of a stock store."""

    async def availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> Availability: ...
    async def reserve(self, command: ReserveStock, once: Once) -> Decision: ...
    async def confirm(self, command: ConfirmReservation, once: Once) -> Decision: ...
    async def release(self, command: ReleaseReservation, once: Once) -> Decision: ...
    async def apply_movements(self, topic: str, batch: Sequence[Positioned]) -> Tally: ...


async def at_once() -> None:
    """No pause: the way to a real server takes its own time."""


@dataclass(frozen=True)
class Workload:
    """How many clients make how many calls on which skus, and the shares of what goes wrong on the way."""

    seed: int
    clients: int = 6
    calls: int = 60
    skus: tuple[str, ...] = ("P1", "P2")
    lost_answers: float = 0.1
    reused_keys: float = 0.05
    given_up: float = 0.5
    # Short enough that many holds expire within a run.
    short: timedelta = timedelta(milliseconds=5)


@dataclass
class Way:
    """How calls travel: what passes on the way, and what a client waits for once its server went away."""

    pass_on: Pause = at_once
    server_is_back: Pause = at_once


@dataclass
class Client:
    """One client; `store` may be one of several connections."""

    name: str
    partition: int
    store: CalledStore
    draw: Random
    workload: Workload
    recorder: Recorder
    way: Way
    holds: list[Hold] = field(default_factory=list)
    used: list[Once] = field(default_factory=list)
    count: int = 0

    async def run(self) -> None:
        """Make all calls, one after the other."""
        kinds = [self.read, self.move, self.reserve, self.end]
        for _ in range(self.workload.calls):
            self.count += 1
            await self.draw.choices(kinds, (3, 2, 4, 3))[0]()

    async def read(self) -> None:
        """The balances of all skus, as of one moment."""
        called = self.recorder.tick()
        found = await self._answered(lambda: self.store.availability(list(self.workload.skus)), may_give_up=True)
        if not isinstance(found, Lost):
            self.recorder.read(self.name, called, LOCATION, found)

    async def move(self) -> None:
        """A few units come, or one leaves at the till."""
        sku, delta = self.draw.choice(self.workload.skus), self.draw.choice((-1, 2, 3))
        await self.receive(sku, delta)

    async def receive(self, sku: str, delta: int) -> None:
        """Units come (+) or leave (−), on the next offset of this client's own partition."""
        kind = "receipt" if delta > 0 else "sale"
        movement = a_movement(delta, Item(sku, LOCATION), kind=kind, event_id=f"{self.name}-{self.count}-{sku}")
        batch = positioned(movement, start=self.count, partition=self.partition)
        called = self.recorder.tick()
        answer = await self._answered(lambda: self.store.apply_movements(TOPIC, batch), may_give_up=True)
        self.recorder.moved(self.name, called, sku, delta, answer)

    async def reserve(self) -> None:
        """A basket of one or two lines, which may name one sku twice; at times under a key used for another."""
        lines = tuple(Line(Item(sku, LOCATION), self.draw.randint(1, 3)) for sku in self._some_skus())
        expires_in = self.draw.choice((self.workload.short, LONG))
        command = ReserveStock(f"{self.name}-{self.count}", lines, expires_in)
        once = Once(f"reserve-{self.name}-{self.count}", command.reservation_id)
        if self.used and self.draw.random() < self.workload.reused_keys:
            once = Once(self.draw.choice(self.used).slot, command.reservation_id)
        self.used.append(once)
        called = self.recorder.tick()
        try:
            answer = await self._answered(lambda: self.store.reserve(command, once), may_give_up=expires_in == LONG)
        except IdempotencyKeyReused:
            return
        self.recorder.reserved(self.name, called, command, answer)
        if not isinstance(answer, Lost) and isinstance(answer.outcome, Hold):
            self.holds.append(answer.outcome)

    async def end(self) -> None:
        """Confirm or release a hold of this client, which may be over already."""
        if not self.holds:
            return await self.read()
        hold = self.draw.choice(self.holds)
        reservation_id, ending = hold.reservation_id, self.draw.choice((Confirm, Release))
        once = Once(f"end-{self.name}-{self.count}", f"{ending.__name__} {reservation_id}")
        called = self.recorder.tick()
        if ending is Confirm:
            asked = ConfirmReservation(reservation_id)
            answer = await self._answered(lambda: self.store.confirm(asked, once), may_give_up=True)
        else:
            freed = ReleaseReservation(reservation_id)
            answer = await self._answered(lambda: self.store.release(freed, once), may_give_up=True)
        self.recorder.ended(self.name, called, ending(reservation_id), hold.skus, answer)
        return None

    def _some_skus(self) -> list[str]:
        return self.draw.choices(self.workload.skus, k=self.draw.randint(1, 2))

    async def _answered(self, call: Callable[[], Awaitable[T]], *, may_give_up: bool) -> T | Lost:
        """Call until an answer arrives, each time the same; or give up when the server is away."""
        while True:
            await self.way.pass_on()
            try:
                answer = await call()
            except StockUnavailable:
                await self.way.server_is_back()
                if may_give_up and self.draw.random() < self.workload.given_up:
                    return LOST
                continue
            await self.way.pass_on()
            if self.draw.random() >= self.workload.lost_answers:
                return answer


async def recorded(
    stores: Sequence[CalledStore], workload: Workload, way: Way | None = None, recorder: Recorder | None = None
) -> list[AnyOperation]:
    """The history of all clients, who share the stores in turn; every sku has a few units before they begin."""
    recorder, way = recorder or Recorder(), way or Way()
    clients = [
        Client(
            name=f"c{number}",
            partition=number,
            store=stores[number % len(stores)],
            draw=stream(workload.seed, number),
            workload=workload,
            recorder=recorder,
            way=way,
        )
        for number in range(workload.clients)
    ]
    for number, sku in enumerate(workload.skus):
        clients[0].count = number
        await clients[0].receive(sku, 5)
    await asyncio.gather(*(client.run() for client in clients))
    return recorder.history
