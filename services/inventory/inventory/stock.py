"""The rules of stock: what a command changes, or why it is refused. Pure.

Quantities are whole units. Times are aware datetimes in UTC, exact to the microsecond. The Redis library
the library in `functions/` holds the same rules; tests compare the two step by step.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from inventory.journal import (
    Balance,
    Item,
    MovementType,
    ReservationConfirmed,
    ReservationExpired,
    ReservationReleased,
    StockEvent,
    StockMoved,
    StockReserved,
    is_count,
)

# Of one movement or one line. Redis' Lua adds exactly below 2^53, so nine million of the largest fit one balance.
UNITS_MAX = 1_000_000_000


class HoldState(StrEnum):
    """A hold is held until it ends, once, in one of three ways."""

    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


class Refusal(StrEnum):
    """Why a command was refused; stable names that both doors answer with."""

    SKU_UNKNOWN = "sku_unknown"
    LOCATION_UNKNOWN = "location_unknown"
    INSUFFICIENT_STOCK = "insufficient_stock"
    RESERVATION_UNKNOWN = "reservation_unknown"
    RESERVATION_NOT_HELD = "reservation_not_held"


@dataclass(frozen=True, slots=True)
class Line:
    """Units of one item that a basket asks for."""

    item: Item
    quantity: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Units set apart for one basket until `expires_at`; all its lines live and end together."""

    reservation_id: str
    lines: tuple[Line, ...]
    created_at: datetime
    expires_at: datetime
    state: HoldState = HoldState.HELD
    ended_at: datetime | None = None
    version: int = 1

    @property
    def skus(self) -> list[str]:
        """The skus of its lines, each once, in the order of the lines."""
        return list(dict.fromkeys(line.item.sku for line in self.lines))

    def is_due(self, now: datetime) -> bool:
        """True when the hold still stands but its time is over."""
        return self.state is HoldState.HELD and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Command: set all the lines apart, or none."""

    reservation_id: str
    lines: tuple[Line, ...]
    expires_in: timedelta


@dataclass(frozen=True, slots=True)
class ConfirmReservation:
    """Command: the held units leave; on hand and reserved both fall."""

    reservation_id: str


@dataclass(frozen=True, slots=True)
class ReleaseReservation:
    """Command: the held units are free again."""

    reservation_id: str


@dataclass(frozen=True, slots=True)
class ApplyMovement:
    """Command: take note of a physical fact; `quantity` is its signed effect, or the units counted."""

    event_id: str
    type: MovementType
    item: Item
    quantity: int
    occurred_at: datetime
    order_id: str | None = None


_ENDINGS: Mapping[HoldState, type[ReservationReleased | ReservationExpired]] = {
    HoldState.RELEASED: ReservationReleased,
    HoldState.EXPIRED: ReservationExpired,
}


@dataclass(frozen=True, slots=True)
class Shortage:
    """A line that cannot be promised, and what could be."""

    item: Item
    requested: int
    available: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that changed nothing, with what the caller needs to know."""

    reason: Refusal
    shortages: tuple[Shortage, ...] = ()
    items: tuple[Item, ...] = ()
    state: HoldState | None = None


def combine(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines with one line per item, quantities added, in the order of first mention."""
    units: dict[Item, int] = {}
    for line in lines:
        units[line.item] = units.get(line.item, 0) + line.quantity
    return tuple(Line(item, quantity) for item, quantity in units.items())


def reserve(
    command: ReserveStock, balances: Mapping[Item, Balance], skus: Container[str], now: datetime
) -> tuple[Hold, list[StockReserved]] | Refused:
    """Set every line apart, or refuse the basket as a whole; `balances` without due holds, `skus` known."""
    lines = combine(command.lines)
    unknown = tuple(line.item for line in lines if line.item not in balances)
    if unknown:
        is_known = unknown[0].sku in skus
        return Refused(Refusal.LOCATION_UNKNOWN if is_known else Refusal.SKU_UNKNOWN, items=unknown)
    shortages = tuple(
        Shortage(line.item, line.quantity, balances[line.item].available_to_promise)
        for line in lines
        if line.quantity > balances[line.item].available_to_promise
    )
    if shortages:
        return Refused(Refusal.INSUFFICIENT_STOCK, shortages=shortages)
    hold = Hold(command.reservation_id, lines, created_at=now, expires_at=now + command.expires_in)
    return hold, [StockReserved(line.item, now, hold.reservation_id, line.quantity) for line in lines]


def end(hold: Hold, state: HoldState, now: datetime) -> tuple[Hold, list[StockEvent]] | Refused:
    """End a hold that still stands as released or expired; refuse to end it twice."""
    if hold.state is not HoldState.HELD:
        return Refused(Refusal.RESERVATION_NOT_HELD, state=hold.state)
    event = _ENDINGS[state]
    return _ended(hold, state, now), [event(line.item, now, hold.reservation_id, line.quantity) for line in hold.lines]


def confirm(
    hold: Hold, balances: Mapping[Item, Balance], event_ids: Container[str], now: datetime
) -> tuple[Hold, list[StockEvent]] | Refused:
    """End a hold that still stands as sold; a line whose sale is among the `event_ids` taken has left already."""
    if hold.state is not HoldState.HELD:
        return Refused(Refusal.RESERVATION_NOT_HELD, state=hold.state)
    return _ended(hold, HoldState.CONFIRMED, now), [
        ReservationConfirmed(
            line.item,
            now,
            hold.reservation_id,
            line.quantity,
            sold_at=max(now, balances[line.item].counted_at or now),
            is_known_sale=sale_id(hold.reservation_id, number) in event_ids,
        )
        for number, line in enumerate(hold.lines, start=1)
    ]


def sale_id(reservation_id: str, line_number: int) -> str:
    """The event id of the sale of one line of a confirmed reservation; lines are numbered from 1."""
    return f"reservation:{reservation_id}:{line_number}"


def sales_of(events: Iterable[StockEvent]) -> list[ApplyMovement]:
    """The sale movements that a confirmation owes the topic; `events` of all its lines, in their order.

    A sale is dated at the confirmation, or at the item's last count when that lies ahead of it: whoever folds the
    movements of the topic must find the units gone, as they are here.
    """
    return [
        ApplyMovement(
            sale_id(event.reservation_id, number), MovementType.SALE, event.item, -event.quantity, event.sold_at
        )
        for number, event in enumerate(events, start=1)
        if isinstance(event, ReservationConfirmed) and not event.is_known_sale
    ]


def due(holds: Iterable[Hold], sku: str, now: datetime) -> list[Hold]:
    """The holds on a sku whose time is over, the earliest first."""
    over = [hold for hold in holds if hold.is_due(now) and sku in hold.skus]
    return sorted(over, key=lambda hold: (hold.expires_at, hold.reservation_id))


def move(command: ApplyMovement, balance: Balance, journal: Sequence[StockEvent], now: datetime) -> StockMoved:
    """Take note of a movement: stock is the last count plus everything that happened from it on.

    So the result does not depend on the order of arrival: a movement older than the last count changes nothing (the
    count saw it), and a late count is topped up with what the journal holds from its time on.
    """
    return StockMoved(
        item=command.item,
        recorded_at=now,
        occurred_at=command.occurred_at,
        event_id=command.event_id,
        type=command.type,
        quantity=command.quantity,
        on_hand_change=_effect(command, balance, journal),
        order_id=command.order_id,
    )


def _ended(hold: Hold, state: HoldState, now: datetime) -> Hold:
    return replace(hold, state=state, ended_at=now, version=hold.version + 1)


def _effect(command: ApplyMovement, balance: Balance, journal: Sequence[StockEvent]) -> int:
    if command.type is not MovementType.COUNT:
        is_covered = balance.counted_at is not None and command.occurred_at < balance.counted_at
        return 0 if is_covered else command.quantity
    if _is_superseded(command, balance, journal):
        return 0
    since = sum(
        event.on_hand_change for event in journal if event.occurred_at >= command.occurred_at and not is_count(event)
    )
    return command.quantity + since - balance.on_hand


def _is_superseded(count: ApplyMovement, balance: Balance, journal: Sequence[StockEvent]) -> bool:
    if balance.counted_at is None or count.occurred_at > balance.counted_at:
        return False
    if count.occurred_at < balance.counted_at:
        return True
    # Of two counts of one instant the lower stands, so that nothing is promised twice.
    same_instant = (event for event in journal if event.occurred_at == count.occurred_at)
    return any(is_count(event) and event.quantity < count.quantity for event in same_instant)
