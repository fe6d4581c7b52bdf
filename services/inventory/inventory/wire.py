"""How the Redis functions are spoken to: msgpack records, and their turning into the domain's values.

Times travel as whole microseconds since 1970, so that neither side rounds.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

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
)
from inventory.stock import ApplyMovement, Hold, HoldState, Line, Refusal, Refused, Shortage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class HoldRecord(msgspec.Struct, array_like=True):
    """A hold as the functions show it; `ended_at` is 0 while it stands."""

    id: str
    state: str
    lines: list[tuple[str, str, int]]
    created_at: int
    expires_at: int
    ended_at: int
    version: int


class RefusalRecord(msgspec.Struct):
    """Why a command was refused."""

    reason: str
    items: list[tuple[str, str]] = []
    shortages: list[tuple[str, str, int, int]] = []
    state: str | None = None


class DecisionRecord(msgspec.Struct):
    """The answer to a command: a hold or a refusal, at `now`."""

    now: int
    hold: HoldRecord | None = None
    refusal: RefusalRecord | None = None


class AvailabilityRecord(msgspec.Struct):
    """Per sku, per location: on hand, reserved, version; or how many balances are too many."""

    now: int
    skus: list[tuple[str, list[tuple[str, int, int, int]]]] = []
    too_many: int = 0


class EntryRecord(msgspec.Struct, array_like=True):
    """One journal entry as the list holds it."""

    kind: str
    recorded_at: int
    occurred_at: int
    on_hand: int
    reserved: int
    reference: str
    quantity: int
    order_id: str


class SaleRecord(msgspec.Struct, array_like=True):
    """A sale as the outbox holds it."""

    event_id: str
    sku: str
    location: str
    quantity: int
    occurred_at: int


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The aware moment so many microseconds after 1970."""
    return EPOCH + micros * _MICROSECOND


def milliseconds(span: timedelta) -> int:
    """Whole milliseconds, at least one: what Redis' PX takes."""
    return max(1, span // timedelta(milliseconds=1))


def hold_of(record: HoldRecord) -> Hold:
    """The hold that a record tells."""
    return Hold(
        reservation_id=record.id,
        lines=tuple(Line(Item(sku, location), quantity) for sku, location, quantity in record.lines),
        created_at=moment(record.created_at),
        expires_at=moment(record.expires_at),
        state=HoldState(record.state),
        ended_at=moment(record.ended_at) if record.ended_at else None,
        version=record.version,
    )


def refused_of(record: RefusalRecord) -> Refused:
    """The refusal that a record tells."""
    return Refused(
        reason=Refusal(record.reason),
        items=tuple(Item(sku, location) for sku, location in record.items),
        shortages=tuple(
            Shortage(Item(sku, location), requested, available)
            for sku, location, requested, available in record.shortages
        ),
        state=HoldState(record.state) if record.state else None,
    )


def outcome_of(record: DecisionRecord) -> Hold | Refused:
    """The hold or the refusal that an answer tells."""
    if record.hold:
        return hold_of(record.hold)
    if record.refusal:
        return refused_of(record.refusal)
    raise ValueError("neither a hold nor a refusal")


def balance_of(packed: bytes) -> Balance:
    """The balance of "on_hand:reserved:version:counted_at:moved_at"."""
    on_hand, reserved, version, counted_at, moved_at = packed.decode().split(":")
    return Balance(
        on_hand=int(on_hand),
        reserved=int(reserved),
        version=int(version),
        counted_at=moment(int(counted_at)) if counted_at else None,
        moved_at=moment(int(moved_at)) if moved_at else None,
    )


_RESERVATION_EVENTS: dict[str, Callable[[Item, datetime, str, int], StockEvent]] = {
    "reserved": StockReserved,
    "released": ReservationReleased,
    "expired": ReservationExpired,
}


def event_of(item: Item, entry: EntryRecord) -> StockEvent:
    """The event that a journal entry tells."""
    if event := _RESERVATION_EVENTS.get(entry.kind):
        return event(item, moment(entry.recorded_at), entry.reference, entry.quantity)
    if entry.kind == "confirmed":
        return ReservationConfirmed(
            item,
            moment(entry.recorded_at),
            entry.reference,
            entry.quantity,
            sold_at=moment(entry.occurred_at),
            is_known_sale=entry.on_hand == 0,
        )
    return StockMoved(
        item=item,
        recorded_at=moment(entry.recorded_at),
        occurred_at=moment(entry.occurred_at),
        event_id=entry.reference,
        type=MovementType(entry.kind),
        quantity=entry.quantity,
        on_hand_change=entry.on_hand,
        order_id=entry.order_id or None,
    )


def sale_of(packed: bytes) -> ApplyMovement:
    """The sale that an entry of the outbox tells."""
    sale = msgspec.msgpack.decode(packed, type=SaleRecord)
    item = Item(sale.sku, sale.location)
    return ApplyMovement(sale.event_id, MovementType.SALE, item, sale.quantity, moment(sale.occurred_at))


def movement_record(partition: int, offset: int, movement: ApplyMovement) -> list[int | str]:
    """What `inventory_apply_movements` takes for one movement."""
    return [
        partition,
        offset,
        movement.event_id,
        movement.type.value,
        movement.item.sku,
        movement.item.location,
        movement.quantity,
        microseconds(movement.occurred_at),
        movement.order_id or "",
    ]
