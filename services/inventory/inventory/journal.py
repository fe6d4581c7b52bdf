"""The journal of an item: events in the past tense, and the balance that they fold to. Pure.

Quantities are whole units. Times are aware datetimes in UTC, exact to the microsecond.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

# A sku or a location: no "@", which joins the two in keys, and nothing that needs escaping in a path. The lake has the
# same rule (`tests/stock_cases.py`).
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class MovementType(StrEnum):
    """What happened to the goods."""

    SALE = "sale"
    RETURN = "return"
    RECEIPT = "receipt"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"
    COUNT = "count"


class Bucket(StrEnum):
    """Why goods lie where they lie: for sale, or set aside."""

    ON_HAND = "on_hand"
    DAMAGED = "damaged"
    QUALITY_CONTROL = "quality_control"


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """A sku at a location, in one bucket: what a balance and a journal are kept for."""

    sku: str
    location: str
    bucket: Bucket = Bucket.ON_HAND

    @property
    def shelf(self) -> str:
        """Location and bucket in one word: "S1" for what is for sale, else "S1#damaged"."""
        return self.location if self.bucket is Bucket.ON_HAND else f"{self.location}#{self.bucket}"

    @classmethod
    def on(cls, sku: str, shelf: str) -> "Item":
        """The item on a shelf."""
        location, _, bucket = shelf.partition("#")
        return cls(sku, location, Bucket(bucket or Bucket.ON_HAND))


@dataclass(frozen=True, slots=True)
class Balance:
    """Units of one item; `version` counts its journal entries."""

    on_hand: int = 0
    reserved: int = 0
    version: int = 0
    counted_at: datetime | None = None
    moved_at: datetime | None = None

    @property
    def unreserved(self) -> int:
        """Units on hand that nobody holds; below zero where more is held than there is."""
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class StockMoved:
    """Event: a movement was taken; `on_hand_change` is what it changed, 0 when a later count covers it.

    `is_own` when it was decided here, by an adjustment, and is owed to the topic.
    """

    item: Item
    recorded_at: datetime
    occurred_at: datetime
    event_id: str
    type: MovementType
    quantity: int
    on_hand_change: int
    order_id: str | None = None
    is_own: bool = False

    @property
    def kind(self) -> str:
        """What it is called in a journal."""
        return self.type.value

    @property
    def reference(self) -> str:
        """What it was caused by."""
        return self.event_id

    @property
    def reserved_change(self) -> int:
        """A movement never touches what is reserved."""
        return 0


@dataclass(frozen=True, slots=True)
class _OfReservation:
    """Event of one item of one reservation."""

    kind: ClassVar[str]
    item: Item
    recorded_at: datetime
    reservation_id: str
    quantity: int

    @property
    def reference(self) -> str:
        """What it was caused by."""
        return self.reservation_id

    @property
    def occurred_at(self) -> datetime:
        """Reservations happen when they are recorded."""
        return self.recorded_at

    @property
    def on_hand_change(self) -> int:
        """Units that came (+) or left (−)."""
        return 0

    @property
    def reserved_change(self) -> int:
        """Units set apart (+) or freed (−)."""
        return -self.quantity


@dataclass(frozen=True, slots=True)
class StockReserved(_OfReservation):
    """Event: units were set apart."""

    kind = "reserved"

    @property
    def reserved_change(self) -> int:
        """Units set apart."""
        return self.quantity


@dataclass(frozen=True, slots=True)
class ReservationMoved(_OfReservation):
    """Event: held units came from another location (+) or went there (−); `quantity` is signed."""

    kind = "moved"

    @property
    def reserved_change(self) -> int:
        """Units set apart here (+) or no longer (−)."""
        return self.quantity


@dataclass(frozen=True, slots=True)
class ReservationConfirmed(_OfReservation):
    """Event: held units were sold; `is_known_sale` when the topic had told this sale before (Redis had gone back)."""

    kind = "confirmed"

    sold_at: datetime
    is_known_sale: bool = False

    @property
    def occurred_at(self) -> datetime:
        """When the sale counts as done."""
        return self.sold_at

    @property
    def on_hand_change(self) -> int:
        """Units that left, unless they had left already."""
        return 0 if self.is_known_sale else -self.quantity


@dataclass(frozen=True, slots=True)
class ReservationReleased(_OfReservation):
    """Event: held units were freed by the holder."""

    kind = "released"


@dataclass(frozen=True, slots=True)
class ReservationExpired(_OfReservation):
    """Event: held units were freed because their time was over."""

    kind = "expired"


StockEvent = (
    StockMoved | StockReserved | ReservationMoved | ReservationConfirmed | ReservationReleased | ReservationExpired
)


def is_count(event: StockEvent) -> bool:
    """True for a physical count."""
    return isinstance(event, StockMoved) and event.type is MovementType.COUNT


def evolve(balance: Balance, event: StockEvent) -> Balance:
    """The balance after one more journal entry."""
    is_move = isinstance(event, StockMoved | ReservationConfirmed)
    return Balance(
        on_hand=balance.on_hand + event.on_hand_change,
        reserved=balance.reserved + event.reserved_change,
        version=balance.version + 1,
        counted_at=_later(balance.counted_at, event.occurred_at if is_count(event) else None),
        moved_at=_later(balance.moved_at, event.occurred_at if is_move else None),
    )


def fold(journal: Iterable[StockEvent]) -> Balance:
    """The balance that a journal tells, from nothing."""
    balance = Balance()
    for event in journal:
        balance = evolve(balance, event)
    return balance


def _later(known: datetime | None, new: datetime | None) -> datetime | None:
    return max((at for at in (known, new) if at is not None), default=None)
