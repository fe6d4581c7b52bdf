"""How the Redis functions are spoken to: msgpack records, and their turning into the domain's values.

Times travel as whole microseconds since 1970, so that neither side rounds.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from inventory.adjustments import Adjusted
from inventory.holds import Hold, HoldState, Line
from inventory.journal import (
    Balance,
    Item,
    MovementType,
    ReservationConfirmed,
    ReservationExpired,
    ReservationMoved,
    ReservationReleased,
    StockEvent,
    StockMoved,
    StockReserved,
)
from inventory.refusals import Mismatch, Refusal, Refused, Shortage
from inventory.stock import ApplyMovement
from inventory.terms import TermsSet

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LineRecord = tuple[str, str, int]


class HoldRecord(msgspec.Struct, array_like=True):
    """A hold as the functions show it; `ended_at` is 0 while it stands."""

    id: str
    state: str
    lines: list[LineRecord]
    created_at: int
    expires_at: int
    ended_at: int
    version: int
    confirmed: list[LineRecord] = []
    unfilled: list[LineRecord] = []
    channel: str = ""


class RefusalRecord(msgspec.Struct):
    """Why a command was refused."""

    reason: str
    items: list[tuple[str, str]] = []
    shortages: list[tuple[str, str, int, int]] = []
    state: str | None = None
    mismatches: list[tuple[int, int, int]] = []


class AdjustedRecord(msgspec.Struct, array_like=True):
    """A batch of adjustments; of each item changed its sku, shelf, units on hand and reserved, version."""

    batch_id: str
    changed: list[tuple[str, str, int, int, int]]


class DecisionRecord(msgspec.Struct):
    """The answer to a command: a hold, changed items or a refusal, at `now`."""

    now: int
    hold: HoldRecord | None = None
    adjusted: AdjustedRecord | None = None
    terms: int | None = None
    refusal: RefusalRecord | None = None


class ShelfRecord(msgspec.Struct, array_like=True):
    """What is on a shelf, and what the terms say of it, units."""

    shelf: str
    on_hand: int
    reserved: int
    version: int
    safety_stock: int
    allowance: int
    incoming: int


class AvailabilityRecord(msgspec.Struct):
    """Per sku its shelves, or how many balances are too many."""

    now: int
    skus: list[tuple[str, list[ShelfRecord]]] = []
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
    own: int = 0


class OwedRecord(msgspec.Struct, array_like=True):
    """A movement as the outbox holds it; before library version 3 there were sales alone."""

    event_id: str
    sku: str
    shelf: str
    quantity: int
    occurred_at: int
    kind: str = "sale"


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    return (moment - EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The aware moment so many microseconds after 1970."""
    return EPOCH + micros * _MICROSECOND


def span(duration: timedelta) -> int:
    """Whole microseconds of a duration."""
    return duration // _MICROSECOND


def milliseconds(span: timedelta) -> int:
    """Whole milliseconds, at least one: what Redis' PX takes."""
    return max(1, span // timedelta(milliseconds=1))


def hold_of(record: HoldRecord) -> Hold:
    """The hold that a record tells."""
    return Hold(
        reservation_id=record.id,
        lines=lines_of(record.lines),
        created_at=moment(record.created_at),
        expires_at=moment(record.expires_at),
        state=HoldState(record.state),
        ended_at=moment(record.ended_at) if record.ended_at else None,
        version=record.version,
        confirmed=lines_of(record.confirmed),
        unfilled=lines_of(record.unfilled),
        channel=record.channel,
    )


def lines_of(records: Iterable[LineRecord]) -> tuple[Line, ...]:
    """The lines that records tell."""
    return tuple(Line(Item(sku, location), quantity) for sku, location, quantity in records)


def line_records(lines: Iterable[Line]) -> list[LineRecord]:
    """Lines as the functions take them."""
    return [(line.item.sku, line.item.location, line.quantity) for line in lines]


def refused_of(record: RefusalRecord) -> Refused:
    """The refusal that a record tells."""
    return Refused(
        reason=Refusal(record.reason),
        items=tuple(Item.on(sku, shelf) for sku, shelf in record.items),
        shortages=tuple(
            Shortage(Item.on(sku, shelf), requested, available) for sku, shelf, requested, available in record.shortages
        ),
        state=HoldState(record.state) if record.state else None,
        mismatches=tuple(Mismatch(*mismatch) for mismatch in record.mismatches),
    )


def adjusted_of(record: AdjustedRecord) -> Adjusted:
    """The changed items that a record tells."""
    return Adjusted(
        record.batch_id,
        tuple(
            (Item.on(sku, shelf), Balance(on_hand, reserved, version))
            for sku, shelf, on_hand, reserved, version in record.changed
        ),
    )


def outcome_of(record: DecisionRecord) -> Hold | Adjusted | TermsSet | Refused:
    """The decision or the refusal that an answer tells."""
    if record.hold:
        return hold_of(record.hold)
    if record.adjusted:
        return adjusted_of(record.adjusted)
    if record.terms is not None:
        return TermsSet(record.terms)
    if record.refusal:
        return refused_of(record.refusal)
    raise ValueError("neither a decision nor a refusal")


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


_RESERVATION_EVENTS = {
    event.kind: event for event in (StockReserved, ReservationMoved, ReservationReleased, ReservationExpired)
}


def event_of(item: Item, entry: EntryRecord) -> StockEvent:
    """The event that a journal entry tells."""
    if event := _RESERVATION_EVENTS.get(entry.kind):
        return event(item, moment(entry.recorded_at), entry.reference, entry.quantity)
    if entry.kind == ReservationConfirmed.kind:
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
        is_own=bool(entry.own),
    )


def owed_movement(packed: bytes) -> ApplyMovement:
    """The movement that an entry of the outbox tells."""
    owed = msgspec.msgpack.decode(packed, type=OwedRecord)
    item = Item.on(owed.sku, owed.shelf)
    return ApplyMovement(owed.event_id, MovementType(owed.kind), item, owed.quantity, moment(owed.occurred_at))


def movement_record(partition: int, offset: int, movement: ApplyMovement) -> list[int | str]:
    """What `inventory_apply_movements` takes for one movement."""
    return [
        partition,
        offset,
        movement.event_id,
        movement.type.value,
        movement.item.sku,
        movement.item.shelf,
        movement.quantity,
        microseconds(movement.occurred_at),
        movement.order_id or "",
    ]
