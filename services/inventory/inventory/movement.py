"""A record of `stock-movements` as a command, or the reason why it is none; and a movement of ours as such a record."""

from datetime import UTC, datetime
from typing import Literal

import msgspec
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.events import StockMovement, decode_event, encode_event

from inventory.errors import MovementRejected
from inventory.journal import NAME, Bucket, Item, MovementType
from inventory.stock import UNITS_MAX, ApplyMovement

# Microseconds since 1970 must stay exact in Lua, which they are until 2255.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
# Who tells the sales of confirmed reservations and the adjustments made here.
SOURCE = "inventory"
_BUCKETS: dict[Bucket, Literal["damaged", "quality_control"] | msgspec.UnsetType] = {
    Bucket.ON_HAND: msgspec.UNSET,
    Bucket.DAMAGED: "damaged",
    Bucket.QUALITY_CONTROL: "quality_control",
}
# The sign a movement's quantity must not have; transfers and adjustments go both ways.
_NEVER_POSITIVE = frozenset({MovementType.SALE})
_NEVER_NEGATIVE = frozenset({MovementType.RETURN, MovementType.RECEIPT, MovementType.COUNT})


def decode(value: bytes | None) -> ApplyMovement:
    """The command in a record's bytes; raises MovementRejected with a stable reason and the field.

    Reasons: empty, not_json, wrong_schema, name_malformed, quantity_out_of_bounds, quantity_sign,
    occurred_at_out_of_bounds.
    """
    try:
        event = decode_event(value, StockMovement)
    except InvalidArgument as error:
        raise MovementRejected(error.detail, reason=error.reason, field=error.field) from error
    _check(event)
    return ApplyMovement(
        event_id=event.event_id,
        type=MovementType(event.type),
        item=Item(event.sku, event.location, Bucket(event.bucket or Bucket.ON_HAND)),
        quantity=event.quantity,
        occurred_at=event.occurred_at.astimezone(UTC),
        order_id=event.order_id,
    )


def key_of(item: Item) -> bytes:
    """The key of a record about an item: all buckets of a location keep one order."""
    return f"{item.sku}@{item.location}".encode()


def encode(movement: ApplyMovement) -> bytes:
    """The record that tells a movement of ours; the same bytes each time."""
    item = movement.item
    return encode_event(
        StockMovement(
            event_id=movement.event_id,
            type=movement.type.value,
            occurred_at=movement.occurred_at,
            source=SOURCE,
            sku=item.sku,
            location=item.location,
            quantity=movement.quantity,
            bucket=_BUCKETS[item.bucket],
        )
    )


def _check(event: StockMovement) -> None:
    for field in ("sku", "location"):
        if not NAME.fullmatch(getattr(event, field)):
            raise MovementRejected(f"{field} must match {NAME.pattern}", reason="name_malformed", field=field)
    if abs(event.quantity) > UNITS_MAX:
        raise MovementRejected(f"over {UNITS_MAX} units", reason="quantity_out_of_bounds", field="quantity")
    if (event.type in _NEVER_POSITIVE and event.quantity > 0) or (event.type in _NEVER_NEGATIVE and event.quantity < 0):
        raise MovementRejected(f"the sign is wrong for a {event.type}", reason="quantity_sign", field="quantity")
    if not EARLIEST <= event.occurred_at < LATEST:
        raise MovementRejected("must be 1970 to 2199", reason="occurred_at_out_of_bounds", field="occurred_at")
