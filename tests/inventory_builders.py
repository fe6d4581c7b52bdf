"""Builders of inventory's commands and records, with defaults that any test may override."""

from datetime import UTC, datetime, timedelta
from itertools import count

from inventory.holds import Line
from inventory.journal import Item, MovementType
from inventory.reservations import (
    ConfirmReservation,
    ExtendReservation,
    ReleaseReservation,
    ReserveStock,
    TransferReservation,
)
from inventory.stock import ApplyMovement
from inventory.store import Once, Positioned, SetAside, StockStore
from inventory.stream import PartitionOwner

TOPIC = "stock-movements"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOAP = Item("P1", "S1")
BREAD = Item("P2", "S1")
_numbers = count(1)


def a_movement(quantity: int = 10, item: Item = SOAP, *, kind: str = "receipt", **changes: object) -> ApplyMovement:
    fields: dict[str, object] = {
        "event_id": f"E{next(_numbers)}",
        "type": MovementType(kind),
        "item": item,
        "quantity": quantity,
        "occurred_at": NOON,
    }
    return ApplyMovement(**{**fields, **changes})  # type: ignore[arg-type]


def positioned(*contents: ApplyMovement | SetAside, start: int = 0, partition: int = 0) -> list[Positioned]:
    return [Positioned(partition, start + step, content) for step, content in enumerate(contents)]


def a_reservation(
    quantity: int = 1,
    item: Item = SOAP,
    *more: Line,
    expires_in: timedelta = timedelta(minutes=10),
    allow_partial: bool = False,
    channel: str = "",
) -> ReserveStock:
    return ReserveStock(f"R{next(_numbers)}", (Line(item, quantity), *more), expires_in, allow_partial, channel)


def once(slot: str | None = None, fingerprint: str = "body") -> Once:
    return Once(slot or f"slot-{next(_numbers)}", fingerprint)


async def stocked(store: StockStore, quantity: int = 10, item: Item = SOAP) -> None:
    """Receive units of an item on the topic's next offset."""
    last = (await store.offsets(TOPIC)).get(0, -1)
    await store.apply_movements(TOPIC, positioned(a_movement(quantity, item), start=last + 1))


def confirmation(reservation_id: str, *lines: Line) -> ConfirmReservation:
    return ConfirmReservation(reservation_id, lines)


def an_extension(reservation_id: str, expires_in: timedelta) -> ExtendReservation:
    return ExtendReservation(reservation_id, expires_in)


def a_transfer(reservation_id: str, to_location: str, from_location: str | None = None) -> TransferReservation:
    return TransferReservation(reservation_id, to_location, from_location)


def a_release(reservation_id: str) -> ReleaseReservation:
    return ReleaseReservation(reservation_id)


async def an_owner(store: StockStore, *partitions: int) -> PartitionOwner:
    """A worker's owner of these partitions, of the first one when none is named."""
    owner = PartitionOwner(store)
    await owner.take_over(frozenset(partitions or {0}))
    return owner
