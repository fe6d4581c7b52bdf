"""The stock store in this process's memory: for tests, and as the model that the Redis functions are held to."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime

from shopsphere_kit.clock import Clock

from inventory import adjustments, reservations, stock
from inventory.adjustments import Adjusted, AdjustStock
from inventory.errors import AnswerTooLarge
from inventory.first_answers import FirstAnswers
from inventory.holds import Hold, HoldState, due
from inventory.intake import Intake
from inventory.journal import Balance, Bucket, Item, StockEvent, evolve
from inventory.memory_changes import InMemoryChanges
from inventory.refusals import Refusal, Refused
from inventory.reservations import (
    Change,
    ConfirmReservation,
    ExtendReservation,
    ReleaseReservation,
    ReserveStock,
    TransferReservation,
)
from inventory.stock import ApplyMovement
from inventory.store import (
    BALANCES_MAX,
    EVERYWHERE,
    Availability,
    Decision,
    Ledger,
    Once,
    Outcome,
    Outgoing,
    Owned,
    Positioned,
    Retention,
    SetAside,
    Taken,
    Tally,
    View,
)
from inventory.terms import SetTerms, Terms, TermsSet

Rule = Callable[[Hold, datetime], Change]


class InMemoryStockStore(InMemoryChanges):
    """Balances are kept as the fold of the journals, entry by entry."""

    def __init__(
        self, clock: Clock, retention: Retention | None = None, balances_max: int = BALANCES_MAX, epoch: int = 1
    ) -> None:
        super().__init__(clock, epoch)
        self._balances_max = balances_max
        self._retention = retention or Retention()
        self._balances: dict[Item, Balance] = {}
        self._journals: dict[Item, list[StockEvent]] = {}
        self._terms = Terms()
        self._holds: dict[str, Hold] = {}
        self._answers = FirstAnswers(self._retention.answers)
        self._event_ids: set[str] = set()
        self._intake = Intake()
        self._outbox: list[Outgoing] = []

    async def availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> Availability:
        """Balances as seen; due holds of the skus end first."""
        self.fence.admit()
        now = self._clock.now()
        self._expire_due(self._terms.components(skus), now)
        self._tell(self._balances, now)
        shelves = {sku: self._shelves(sku, view) for sku in skus}
        asked = len(skus) if view.location else sum(len(found) for found in shelves.values())
        if asked > self._balances_max:
            raise AnswerTooLarge.of_balances(asked, self._balances_max)
        promises = {
            item: self._terms.shown(item, view.channel, view.until)
            for found in shelves.values()
            for item in found
            if item.bucket is Bucket.ON_HAND
        }
        return Availability.of(now, shelves, self.fence.epoch, promises)

    async def reserve(self, command: ReserveStock, once: Once) -> Decision:
        """Hold all lines or none, or what there is of each."""

        def decide(now: datetime) -> Change:
            self._expire_due({line.item.sku: None for line in command.lines}, now)
            return reservations.reserve(command, self._balances, self._skus(), self._terms, now)

        return self._decide(once, decide)

    async def extend(self, command: ExtendReservation, once: Once) -> Decision:
        """Let a hold end later."""
        return self._decide_on(command.reservation_id, once, lambda hold, now: reservations.extend(command, hold, now))

    async def transfer(self, command: TransferReservation, once: Once) -> Decision:
        """Hold the units at another location."""

        def rule(hold: Hold, now: datetime) -> Change:
            return reservations.transfer(command, hold, self._balances, self._skus(), self._terms, now)

        return self._decide_on(command.reservation_id, once, rule)

    async def confirm(self, command: ConfirmReservation, once: Once) -> Decision:
        """End a hold as confirmed and put its sales into the outbox."""

        def rule(hold: Hold, now: datetime) -> Change:
            return reservations.confirm(command, hold, self._balances, self._event_ids, now)

        return self._decide_on(command.reservation_id, once, rule)

    async def release(self, command: ReleaseReservation, once: Once) -> Decision:
        """End a hold as released."""

        def rule(hold: Hold, now: datetime) -> Change:
            return reservations.end(hold, HoldState.RELEASED, now)

        return self._decide_on(command.reservation_id, once, rule)

    async def adjust(self, command: AdjustStock, once: Once) -> Decision:
        """Make all adjustments or none, and put their movements into the outbox."""

        def decide(now: datetime) -> Adjusted | Refused:
            self._expire_due({each.item.sku: None for each in command.adjustments}, now)
            change = adjustments.adjust(command, self._balances, self._journals, now)
            if isinstance(change, Refused):
                return change
            adjusted, events = change
            for event in events:
                self._record(event)
            self._owe(adjustments.own_movements(events))
            return adjusted

        return self._once(once, decide)

    async def set_terms(self, command: SetTerms, once: Once) -> Decision:
        """Let terms hold, all or none."""

        def decide(_: datetime) -> TermsSet:
            for term in command.terms:
                self._terms = self._terms.having(term)
            return TermsSet(len(command.terms))

        return self._once(once, decide)

    async def terms(self, sku: str | None = None) -> Terms:
        """The safety stocks, and of a sku all its terms."""
        self.fence.admit()
        return self._terms.of(sku)

    async def reservation(self, reservation_id: str) -> Decision:
        """The hold as it stands now."""
        self.fence.admit()
        now = self._clock.now()
        hold = self._settled(reservation_id, now)
        self._tell(self._balances, now)
        return Decision(now, hold or Refused(Refusal.RESERVATION_UNKNOWN), epoch=self.fence.epoch)

    async def take_over(self, topic: str, partitions: Sequence[int]) -> dict[int, Owned]:
        """Own these partitions from now on."""
        self.fence.admit()
        return self.fence.take_over(topic, partitions, self._intake.offsets(topic))

    async def apply_movements(
        self, topic: str, batch: Sequence[Positioned], owners: Mapping[int, int] | None = None
    ) -> Tally:
        """Take a batch, each record once."""
        self.fence.admit()
        self.fence.admit_owner(topic, [each.partition for each in batch], owners or {})
        now = self._clock.now()
        tally = self._intake.take(topic, batch, lambda content: self._take(content, now))
        self._tell(self._balances, now)
        return tally

    async def offsets(self, topic: str) -> dict[int, int]:
        """The last offset taken of each partition."""
        self.fence.admit()
        return self._intake.offsets(topic)

    async def totals(self) -> Tally:
        """What was taken since the beginning, as it was counted on the way."""
        return self._intake.totals()

    async def taken(self, topic: str) -> Taken:
        """What was taken since the beginning, as the state tells it."""
        return self._intake.taken(topic, event_ids=len(self._event_ids), outbox=len(self._outbox))

    async def outbox(self, most: int) -> list[Outgoing]:
        """The oldest movements that the topic still lacks."""
        self.fence.admit()
        return self._outbox[:most]

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """Forget them."""
        self.fence.admit()
        self._outbox = [each for each in self._outbox if each not in outgoing]

    async def skus(self) -> AsyncIterator[str]:
        """All skus with a balance, each once."""
        for sku in dict.fromkeys(item.sku for item in self._balances):
            yield sku

    async def ledgers(self, sku: str) -> list[Ledger]:
        """Balance, journal and live holds of the sku at every location."""
        self.fence.admit()
        return [
            Ledger(item, balance, list(self._journals[item]), self._held(item))
            for item, balance in self._balances.items()
            if item.sku == sku
        ]

    def _decide(self, once: Once, decide: Callable[[datetime], Change]) -> Decision:
        def kept(now: datetime) -> Hold | Refused:
            change = decide(now)
            if isinstance(change, Refused):
                return change
            self._keep(*change)
            return change[0]

        return self._once(once, kept)

    def _once(self, once: Once, decide: Callable[[datetime], Outcome]) -> Decision:
        self.fence.admit()
        now = self._clock.now()
        decision = self._answers.of(once, now, decide, self.fence.epoch)
        self._tell(self._balances, now)
        return decision

    def _decide_on(self, reservation_id: str, once: Once, rule: Rule) -> Decision:
        def decide(now: datetime) -> Change:
            hold = self._settled(reservation_id, now)
            return rule(hold, now) if hold else Refused(Refusal.RESERVATION_UNKNOWN)

        return self._decide(once, decide)

    def _settled(self, reservation_id: str, now: datetime) -> Hold | None:
        hold = self._holds.get(reservation_id)
        if hold is None or (hold.ended_at and hold.ended_at + self._retention.ended_holds <= now):
            return None
        if hold.state is HoldState.HELD:
            self._expire_due(hold.skus, now)
        return self._holds[reservation_id]

    def _expire_due(self, skus: Iterable[str], now: datetime) -> None:
        for sku in skus:
            for hold in due(self._holds.values(), sku, now):
                change = reservations.end(hold, HoldState.EXPIRED, now)
                if not isinstance(change, Refused):
                    self._keep(*change)

    def _keep(self, hold: Hold, events: Sequence[StockEvent]) -> None:
        self._holds[hold.reservation_id] = hold
        for event in events:
            self._record(event)
        self._owe(reservations.sales_of(hold, events))

    def _owe(self, movements: Iterable[ApplyMovement]) -> None:
        for movement in movements:
            self._event_ids.add(movement.event_id)
            self._outbox.append(Outgoing(movement.event_id, movement))

    def _record(self, event: StockEvent) -> None:
        self._journals.setdefault(event.item, []).append(event)
        self._touch(event)
        self._balances[event.item] = evolve(self._balances.get(event.item, Balance()), event)

    def _take(self, content: ApplyMovement | SetAside, now: datetime) -> str:
        if isinstance(content, SetAside):
            return "quarantined"
        if content.event_id in self._event_ids:
            return "duplicates"
        self._event_ids.add(content.event_id)
        balance = self._balances.get(content.item, Balance())
        self._record(stock.move(content, balance, self._journals.get(content.item, []), now))
        return "applied"

    def _shelves(self, sku: str, view: View) -> dict[Item, Balance]:
        bundle = self._terms.bundles.get(sku)
        if bundle is not None:
            made = self._terms.made(bundle, self._balances, view.channel)
            return {item: balance for item, balance in made.items() if view.location in (None, item.location)}
        return {
            item: balance
            for item, balance in self._balances.items()
            if item.sku == sku and view.location in (None, item.location)
        }

    def _held(self, item: Item) -> int:
        live = (hold for hold in self._holds.values() if hold.state is HoldState.HELD)
        return sum(hold.quantity_of(item) for hold in live)

    def _skus(self) -> set[str]:
        return {item.sku for item in self._balances}
