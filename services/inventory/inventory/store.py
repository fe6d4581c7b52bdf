"""What a stock store does: its Protocol and the values that it answers with.

Every method is atomic. `redis_store.py` is the real class and decides with Redis' time; `memory_store.py` is driven by
the rules in stock.py and decides with the clock it is given. Both pass `tests/contracts/test_stock_store.py`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol, Self

from inventory.adjustments import Adjusted, AdjustStock
from inventory.changes import ChangeStore
from inventory.holds import Hold
from inventory.journal import Balance, Bucket, Item, StockEvent
from inventory.refusals import Refused
from inventory.reservations import (
    ConfirmReservation,
    ExtendReservation,
    ReleaseReservation,
    ReserveStock,
    TransferReservation,
)
from inventory.stock import ApplyMovement
from inventory.terms import Promise, SetTerms, Terms, TermsSet

# Of one answer, whichever door gives it. A balance is at most 113 bytes in gRPC, whose answers end at 16 MiB.
BALANCES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Once:
    """Makes a command happen once: its slot (who asked, under which key) and its fingerprint (what was asked)."""

    slot: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class DataSet:
    """Which data set a store works on, and how many mutating calls that had seen."""

    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Retention:
    """How long first answers and ended holds are remembered."""

    answers: timedelta = timedelta(days=1)
    ended_holds: timedelta = timedelta(days=31)


Outcome = Hold | Adjusted | TermsSet | Refused


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command came to, when, and in which data set; `is_replay` when the slot had been decided before."""

    as_of: datetime
    outcome: Outcome
    is_replay: bool = False
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """What of a sku is looked at: one location or all, in a channel or in none, with what is incoming up to a time."""

    location: str | None = None
    channel: str = ""
    until: datetime | None = None


EVERYWHERE = View()


def end_of(day: date) -> datetime:
    """The last moment of a day in UTC."""
    return datetime.combine(day, time.max, UTC)


@dataclass(frozen=True, slots=True)
class Availability:
    """What of the skus asked for is for sale, by location, without due holds; an unknown sku has none.

    `set_aside` are the units in other buckets of those locations, `promises` what the terms say of each item.
    """

    as_of: datetime
    skus: dict[str, dict[str, Balance]]
    set_aside: dict[Item, int] = field(default_factory=dict)
    epoch: int = 0
    promises: Mapping[Item, Promise] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        as_of: datetime,
        shelves: Mapping[str, Mapping[Item, Balance]],
        epoch: int,
        promises: Mapping[Item, Promise],
    ) -> Self:
        """Sort the shelves of each sku into what is for sale, by location, and what is set aside."""
        skus = {
            sku: dict.fromkeys((item.location for item in sorted(found)), Balance()) for sku, found in shelves.items()
        }
        set_aside = {}
        for sku, found in shelves.items():
            for item, balance in found.items():
                if item.bucket is Bucket.ON_HAND:
                    skus[sku][item.location] = balance
                else:
                    set_aside[item] = balance.on_hand
        return cls(as_of, skus, set_aside, epoch, promises)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record that is no movement; it only advances the offset and is counted by its reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Positioned:
    """A movement, or what was set aside in its place, at its position in the topic."""

    partition: int
    offset: int
    content: ApplyMovement | SetAside


@dataclass(frozen=True, slots=True)
class Owned:
    """A partition that was taken over: the epoch of its new owner, and the offset to go on from."""

    owner_epoch: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Records of one batch, or of all time: movements = applied + duplicates + quarantined.

    `skipped` were taken before (a replay); `gaps` counts offsets that did not follow the last one.
    """

    movements: int = 0
    applied: int = 0
    duplicates: int = 0
    quarantined: int = 0
    skipped: int = 0
    gaps: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What the state itself says was taken: counted from what is kept, not on the way.

    `movements` from the offsets, less those never delivered; `quarantined` from the positions set aside; `event_ids`
    distinct, those decided here among them; `outbox` the movements that the topic still lacks.
    """

    movements: int
    quarantined: int
    event_ids: int
    outbox: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A movement that was decided here and that the topic still lacks, at its position in the outbox."""

    position: str
    movement: ApplyMovement


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is kept of one item: its balance, its journal, and the units in its live holds."""

    item: Item
    balance: Balance
    journal: list[StockEvent]
    held: int


class StockStore(ChangeStore, Protocol):
    """Stock, reservations, movements, and what they changed.

    Every method raises StockUnavailable, with the reason `epoch_mismatch` when the data set is not the one that the
    store was opened on.
    """

    async def availability(self, skus: Sequence[str], view: View = EVERYWHERE) -> Availability:
        """Balances as seen; due holds of the skus end first; raises AnswerTooLarge."""
        ...

    async def reserve(self, command: ReserveStock, once: Once) -> Decision:
        """Hold all lines or none, or what there is of each; raises IdempotencyKeyReused."""
        ...

    async def extend(self, command: ExtendReservation, once: Once) -> Decision:
        """Let a hold end later; raises IdempotencyKeyReused."""
        ...

    async def transfer(self, command: TransferReservation, once: Once) -> Decision:
        """Hold the units at another location; raises IdempotencyKeyReused."""
        ...

    async def confirm(self, command: ConfirmReservation, once: Once) -> Decision:
        """End a hold as confirmed and put its sales into the outbox; raises IdempotencyKeyReused."""
        ...

    async def release(self, command: ReleaseReservation, once: Once) -> Decision:
        """End a hold as released; raises IdempotencyKeyReused."""
        ...

    async def adjust(self, command: AdjustStock, once: Once) -> Decision:
        """Make all adjustments or none, and put their movements into the outbox; raises IdempotencyKeyReused."""
        ...

    async def set_terms(self, command: SetTerms, once: Once) -> Decision:
        """Let terms hold, all or none; raises IdempotencyKeyReused."""
        ...

    async def terms(self, sku: str | None = None) -> Terms:
        """The safety stocks, and of a sku all its terms."""
        ...

    async def reservation(self, reservation_id: str) -> Decision:
        """The hold as it stands now."""
        ...

    async def take_over(self, topic: str, partitions: Sequence[int]) -> dict[int, Owned]:
        """Own these partitions from now on; whoever owned them before is refused."""
        ...

    async def apply_movements(
        self, topic: str, batch: Sequence[Positioned], owners: Mapping[int, int] | None = None
    ) -> Tally:
        """Take a batch, each record once, and advance the offsets of its partitions; raises OwnerFenced.

        `owners` are the caller's owner epochs; a partition that nobody ever took over needs none.
        """
        ...

    async def offsets(self, topic: str) -> dict[int, int]:
        """The last offset taken of each partition."""
        ...

    async def totals(self) -> Tally:
        """What was taken since the beginning, as it was counted on the way."""
        ...

    async def taken(self, topic: str) -> Taken:
        """What was taken since the beginning, as the state tells it."""
        ...

    async def outbox(self, most: int) -> list[Outgoing]:
        """The oldest movements that the topic still lacks."""
        ...

    async def sent(self, outgoing: Sequence[Outgoing]) -> None:
        """The topic has them: forget them."""
        ...

    def skus(self) -> AsyncIterator[str]:
        """All skus with a balance, each once."""
        ...

    async def ledgers(self, sku: str) -> list[Ledger]:
        """Balance, journal and live holds of the sku at every location, of one moment."""
        ...
