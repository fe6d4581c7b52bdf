"""The invariants of a data set, looked at after every call: only what the call changed is looked at again."""

from collections import Counter
from collections.abc import Iterable

from inventory.holds import Hold, HoldState
from inventory.journal import (
    Balance,
    Item,
    ReservationConfirmed,
    ReservationMoved,
    StockEvent,
    StockMoved,
    StockReserved,
)
from inventory.memory_store import InMemoryStockStore
from inventory.reservations import sale_id
from inventory.store import Decision, Once

_ENDINGS = {"confirmed", "released", "expired"}


class InvariantBroken(Exception):
    """The store did what it must never do."""


def demand(is_so: bool, invariant: str, told: object) -> None:
    """Raise InvariantBroken unless it is so."""
    if not is_so:
        raise InvariantBroken(f"{invariant}: {told}")


class Watch:
    """Sums of its own over one data set, with which the store's figures are compared."""

    def __init__(self, store: InMemoryStockStore) -> None:
        self._store = store
        self._read: Counter[Item] = Counter()
        self._on_hand: Counter[Item] = Counter()
        self._reserved: Counter[Item] = Counter()
        self._supply: Counter[Item] = Counter()
        self._sold: Counter[Item] = Counter()
        self._of_hold: dict[str, Counter[Item]] = {}
        self._ended: dict[str, str] = {}
        self._event_ids: set[str] = set()
        self._answers: dict[str, tuple[str, Decision]] = {}
        self._take_note()

    def look(self) -> None:
        """After a call: what it wrote, and what it left behind."""
        self._no_more_than_there_is(self._take_note())

    def _take_note(self) -> list[tuple[Item, StockEvent]]:
        new = [(item, event) for item in self._store._journals for event in self._unread(item)]
        for item, event in new:
            self._add(item, event)
        for item in dict.fromkeys(item for item, _ in new):
            self._compare(item, self._store._balances[item])
        self._compare_holds(dict.fromkeys(event.reference for _, event in new if not isinstance(event, StockMoved)))
        return new

    def answered(self, once: Once, decision: Decision) -> None:
        """I8: the same key gets the same answer."""
        first = self._answers.setdefault(once.slot, (once.fingerprint, decision))
        demand(first[0] == once.fingerprint, "I8 another body was answered", once)
        is_same = (decision.outcome, decision.as_of) == (first[1].outcome, first[1].as_of)
        demand(is_same and decision.is_replay == (first[1] is not decision), "I8 another answer", (first, decision))

    def refused_as_reused(self, once: Once) -> None:
        """I8: only another body under a known key is refused."""
        first = self._answers.get(once.slot)
        demand(first is not None and first[0] != once.fingerprint, "I8 a key was not used before", once)

    def _unread(self, item: Item) -> list[StockEvent]:
        journal = self._store._journals[item]
        start, self._read[item] = self._read[item], len(journal)
        return journal[start:]

    def _add(self, item: Item, event: StockEvent) -> None:
        self._on_hand[item] += event.on_hand_change
        self._reserved[item] += event.reserved_change
        self._supply[item] += max(0, event.on_hand_change)
        if isinstance(event, StockMoved):
            demand(event.event_id not in self._event_ids, "I4 an event counted twice", event)
            self._event_ids.add(event.event_id)
            return
        units = self._of_hold.setdefault(event.reference, Counter())
        demand(event.reference not in self._ended, "I5 a hold ended twice", event)
        units[item] += event.reserved_change
        demand(units[item] >= 0, "I5 more was freed than was held", event)
        if isinstance(event, ReservationConfirmed):
            self._sold[item] += event.quantity

    def _compare(self, item: Item, balance: Balance) -> None:
        told = (self._on_hand[item], self._reserved[item], self._read[item])
        kept = (balance.on_hand, balance.reserved, balance.version)
        demand(told == kept, "I7 the balance is not the fold of its journal", (item, told, kept))
        live = (hold for hold in self._store._holds.values() if hold.state is HoldState.HELD)
        units = sum(hold.quantity_of(item) for hold in live)
        demand(units == balance.reserved, "I2 reserved is not what live holds have", (item, units, balance))

    def _nothing_is_due(self, skus: Iterable[str]) -> None:
        now = self._store._clock.now()
        for sku in skus:
            for hold in self._store._holds.values():
                is_over = hold.state is HoldState.HELD and hold.expires_at <= now and sku in hold.skus
                demand(not is_over, "I2 a hold that is over counts still", (hold, now))

    def _compare_holds(self, reservation_ids: Iterable[str]) -> None:
        for reservation_id in reservation_ids:
            hold, units = self._store._holds[reservation_id], self._of_hold[reservation_id]
            is_held = hold.state is HoldState.HELD
            if is_held:
                held = {line.item: line.quantity for line in hold.lines}
                demand(+units == Counter(held), "I2 a hold does not have what was set apart", (hold, units))
            else:
                demand(not +units, "I5 an ended hold has units still", (hold, units))
                self._ended[reservation_id] = hold.state
                self._sales_are_known(hold)

    def _sales_are_known(self, hold: Hold) -> None:
        for number, line in enumerate(hold.lines, start=1):
            if any(each.item == line.item for each in hold.confirmed):
                known = sale_id(hold.reservation_id, number)
                demand(known in self._store._event_ids, "I4 a sale that will count twice", known)

    def _no_more_than_there_is(self, new: list[tuple[Item, StockEvent]]) -> None:
        promised = {
            item
            for item, event in new
            if isinstance(event, StockReserved) or (isinstance(event, ReservationMoved) and event.quantity > 0)
        }
        self._nothing_is_due({item.sku for item in promised})
        for item in promised:
            balance = self._store._balances[item]
            demand(balance.on_hand >= balance.reserved, "I1 more is promised than there is", (item, balance))
            taken = self._sold[item] + self._reserved[item]
            demand(taken <= self._supply[item], "I3 more is held and sold than ever came", (item, taken))
