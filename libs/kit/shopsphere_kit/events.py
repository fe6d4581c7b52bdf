"""The JSON events on the topics, as typed records; `proto/shopsphere/events/v1/events.proto` states the same contract.

Unknown fields are allowed, so that a producer may add one before its consumers know it. Wrong or missing ones are
refused with an error that names the field.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec

from shopsphere_kit.errors import InvalidArgument

# Quantities are 64-bit in every store they meet; Redis' Lua holds integers exactly only below 2^53.
QUANTITY_LIMIT = 2**53 - 1

Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Quantity = Annotated[int, msgspec.Meta(ge=-QUANTITY_LIMIT, le=QUANTITY_LIMIT)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
MovementType = Literal["sale", "return", "receipt", "transfer", "adjustment", "count"]
Bucket = Literal["on_hand", "damaged", "quality_control"]
BehaviourType = Literal["page_viewed", "cart_changed", "checkout_started", "login", "login_failed"]
Decision = Literal["allow", "review", "block"]


class StockMovement(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the stock of one sku at one location.

    `quantity` is the signed effect on the units in the bucket; for a count it is what was counted there. Without a
    `bucket` it is what is on hand, for sale.
    """

    event_id: Identifier
    type: MovementType
    occurred_at: Instant
    source: Identifier
    sequence: int | None = None
    sku: Identifier
    location: Identifier
    quantity: Quantity
    order_id: str | None = None
    bucket: Bucket | msgspec.UnsetType | None = msgspec.UNSET


class BehaviourEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something a visitor did in the web shop."""

    event_id: Identifier
    type: BehaviourType
    occurred_at: Instant
    source: Identifier
    sequence: int | None = None
    session_id: Identifier
    user_id: int | None = None
    sku: str | None = None
    quantity: Quantity | None = None
    order_id: int | None = None


class FraudLabel(msgspec.Struct, frozen=True, kw_only=True):
    """What became known about an order; `occurred_at` is when it became known."""

    event_id: Identifier
    order_id: Identifier
    is_fraud: bool
    occurred_at: Instant
    source: Identifier


class FraudDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What checkout was told about an order; `score_bits` is the float32 score in hexadecimal.

    Both are null when rules decided alone, because the history or the model was away.
    """

    event_id: Identifier
    order_id: Identifier
    decision: Decision
    score: float | None = None
    score_bits: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}$")] | None = None
    model_version: Identifier
    reasons: list[str]
    occurred_at: Instant
    decided_at: Instant
    source: Identifier


class InventoryChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An item of stock after it changed: its figures, not the difference.

    Of two records of one item the one with the higher `epoch`, then `version`, is the newer. `sequence` is null when
    all items were told anew. `is_low` only when the low-stock threshold was crossed: true when it fell to it.
    """

    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    occurred_at: Instant
    source: Identifier
    sequence: int | None = None
    sku: Identifier
    location: Identifier
    bucket: Bucket
    quantity: Quantity
    reserved: Quantity
    version: int
    epoch: int
    kind: Identifier
    is_low: bool | None = None


Event = TypeVar("Event", bound=msgspec.Struct)

_JSON = msgspec.json.Encoder()


def decode_event(value: bytes | None, type_: type[Event]) -> Event:
    """Decode one record; raises InvalidArgument with reason `empty`, `not_json` or `wrong_schema`, and the field."""
    if not value:
        raise InvalidArgument("the record has no value", reason="empty")
    try:
        return msgspec.json.decode(value, type=type_)
    except msgspec.ValidationError as error:
        message = str(error)
        field = message.rpartition("`$")[2].strip("`.") if "`$" in message else None
        raise InvalidArgument(message, reason="wrong_schema", field=field or None) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        # Nesting deeper than Python's stack is no event of ours, whatever else it is.
        raise InvalidArgument(f"not JSON: {error}", reason="not_json") from error


def encode_event(event: msgspec.Struct) -> bytes:
    """The JSON bytes of an event: snake_case, RFC 3339 times."""
    return _JSON.encode(event)
