"""A client of a real store that asks until it is answered, under one key, and remembers what it was told."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random

from inventory.errors import StockUnavailable
from inventory.holds import Hold, HoldState, Line
from inventory.journal import Item
from inventory.reservations import ConfirmReservation, ReleaseReservation, ReserveStock
from inventory.store import Decision, Once, StockStore
from shopsphere_kit.waiting import await_until

# A Redis that was killed is back within a second; a busy machine gets a minute.
PATIENCE_SECONDS = 60.0
SHORT, LONG = timedelta(milliseconds=50), timedelta(hours=1)


class Checkout:
    """Reserves, confirms and releases; what was acknowledged must still be so at the end."""

    def __init__(self, name: str, store: StockStore, items: Sequence[Item], draw: Random) -> None:
        self._name, self._store, self._items, self._draw = name, store, items, draw
        self._calls = 0
        self._open: list[str] = []
        self._ended: dict[str, HoldState] = {}
        self._wrong: list[str] = []

    async def work(self, calls: int) -> None:
        """So many calls, one after the other."""
        for _ in range(calls):
            self._calls += 1
            await self._draw.choices((self._reserve, self._confirm, self._release), (3, 2, 1))[0]()

    async def wrong(self) -> list[str]:
        """What was acknowledged and is no longer so, and keys that got two answers."""
        for reservation_id, state in self._ended.items():
            kept = (await self._store.reservation(reservation_id)).outcome
            if not isinstance(kept, Hold) or kept.state is not state:
                self._wrong.append(f"{reservation_id} was told {state} and is {kept}")
        return self._wrong

    async def _reserve(self) -> None:
        lines = tuple(Line(self._draw.choice(self._items), 1) for _ in range(self._draw.randint(1, 3)))
        command = ReserveStock(f"R{self._name}-{self._calls}", lines, self._draw.choice((SHORT, LONG)))
        once = Once(f"{self._name}-{self._calls}", command.reservation_id)
        decision = await self._answered(lambda: self._store.reserve(command, once))
        if isinstance(decision.outcome, Hold):
            self._open.append(decision.outcome.reservation_id)

    async def _confirm(self) -> None:
        await self._end(lambda held, once: self._store.confirm(ConfirmReservation(held), once))

    async def _release(self) -> None:
        await self._end(lambda held, once: self._store.release(ReleaseReservation(held), once))

    async def _end(self, call: Callable[[str, Once], Awaitable[Decision]]) -> None:
        if not self._open:
            return
        held = self._open.pop(self._draw.randrange(len(self._open)))
        once = Once(f"{self._name}-{self._calls}", held)
        decision = await self._answered(lambda: call(held, once))
        if isinstance(decision.outcome, Hold):
            self._ended[held] = decision.outcome.state

    async def _answered(self, call: Callable[[], Awaitable[Decision]]) -> Decision:
        """Ask until there is an answer; now and then once more, which must be told the same."""
        answers: list[Decision] = []

        async def is_answered() -> bool:
            try:
                answers.append(await call())
            except StockUnavailable:
                return False
            return True

        await await_until(is_answered, deadline_seconds=PATIENCE_SECONDS, what="an answer", poll_seconds=0.01)
        if self._draw.random() < 0.1:
            await await_until(is_answered, deadline_seconds=PATIENCE_SECONDS, what="an answer", poll_seconds=0.01)
        first, last = answers[0], answers[-1]
        if (first.outcome, first.as_of) != (last.outcome, last.as_of):
            self._wrong.append(f"two answers under one key: {first}, {last}")
        return first
