"""What a caller may send: one decoding of an order for both doors, with errors that name the field and the remedy."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shopsphere_kit.errors import InvalidArgument

from fraud.orders import Order
from fraud.units import epoch_ms, minor_units

CURRENCY = "USD"
# Ten digits before the point hold any order; sums over 30 days of them stay far below 2^63.
AMOUNT = re.compile(r"\d{1,10}(\.\d{1,2})?", re.ASCII)
IDENTIFIER_MAX = 128
COUNT_MAX = 1_000_000
STORE_ID_MAX = 2**63 - 1
IDENTIFIER = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class OrderFields:
    """The fields of an order as they were sent, not yet checked."""

    order_id: str
    user_id: str | None
    store_id: int
    card_token: str
    amount: str
    currency: str
    units: int
    line_count: int
    ordered_at: datetime | None


def checked_order(fields: OrderFields) -> Order:
    """Turn what was sent into an order; raises InvalidArgument naming the field."""
    return Order(
        order_id=_identifier(fields.order_id, "order_id"),
        user_id=None if fields.user_id is None else _identifier(fields.user_id, "user_id"),
        store_id=_within(fields.store_id, 0, STORE_ID_MAX, "store_id"),
        card_token=_identifier(fields.card_token, "card_token"),
        amount_minor=_amount(fields.amount, fields.currency),
        units=_within(fields.units, 0, COUNT_MAX, "units"),
        line_count=_within(fields.line_count, 1, COUNT_MAX, "line_count"),
        ordered_at_ms=_moment(fields.ordered_at),
    )


def checked_key(key: str | None) -> str:
    """Check an idempotency key; raises InvalidArgument."""
    if not key:
        raise InvalidArgument(
            "send an Idempotency-Key, a new one for every order attempt",
            reason="idempotency_key_missing",
            field="idempotency_key",
        )
    return _identifier(key, "idempotency_key")


def _identifier(value: str, field: str) -> str:
    if not IDENTIFIER.fullmatch(value):
        raise InvalidArgument(f"{field} must be 1 to {IDENTIFIER_MAX} visible ASCII characters", field=field)
    return value


def _within(value: int, least: int, most: int, field: str) -> int:
    if not least <= value <= most:
        raise InvalidArgument(f"{field} must be from {least} to {most}", field=field)
    return value


def _amount(amount: str, currency: str) -> int:
    if currency != CURRENCY:
        raise InvalidArgument(f"currency must be {CURRENCY}", reason="currency_not_supported", field="currency")
    if not AMOUNT.fullmatch(amount):
        raise InvalidArgument('amount must be a decimal string with at most 2 places, e.g. "12.34"', field="amount")
    return minor_units(Decimal(amount))


def _moment(ordered_at: datetime | None) -> int:
    if ordered_at is None or ordered_at.tzinfo is None:
        raise InvalidArgument("ordered_at must be a time with offset, e.g. 2017-03-01T12:00:00Z", field="ordered_at")
    moment = epoch_ms(ordered_at)
    if moment < 0:
        raise InvalidArgument("ordered_at must not be before 1970", field="ordered_at")
    return moment
