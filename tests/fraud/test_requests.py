"""What a caller may send, and what it is told otherwise."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fraud.orders import Order
from fraud.requests import OrderFields, checked_key, checked_order
from fraud.units import epoch_ms, minor_units, rfc3339
from fraud_builders import NOON, NOON_MS
from hypothesis import given
from hypothesis import strategies as st
from shopsphere_kit.errors import InvalidArgument

FIELDS = OrderFields("1", "7", 3, "card-1", "12.34", "USD", 4, 2, NOON)


def test_an_order_is_read_into_integers() -> None:
    assert checked_order(FIELDS) == Order("1", "7", 3, "card-1", 1_234, 4, 2, NOON_MS)


@pytest.mark.parametrize(("amount", "minor"), [("0", 0), ("1.5", 150), ("9999999999.99", 999_999_999_999)])
def test_amounts_are_exact(amount: str, minor: int) -> None:
    assert checked_order(replace(FIELDS, amount=amount)).amount_minor == minor


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_id", ""),
        ("order_id", "x" * 129),
        ("order_id", "with space"),
        ("user_id", ""),
        ("card_token", "\u0661"),
        ("store_id", -1),
        ("amount", "-1"),
        ("amount", "1.234"),
        ("amount", "1e3"),
        ("amount", "\u0661"),
        ("amount", "NaN"),
        ("currency", "EUR"),
        ("units", -1),
        ("line_count", 0),
        ("ordered_at", None),
        ("ordered_at", datetime(2017, 3, 1)),  # noqa: DTZ001 - a time without offset is the point
        ("ordered_at", datetime(1969, 12, 31, tzinfo=UTC)),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        checked_order(replace(FIELDS, **{field: value}))
    assert caught.value.field == field


@pytest.mark.parametrize("key", [None, "", "a\nb", "x" * 129])
def test_an_idempotency_key_is_asked_for(key: str | None) -> None:
    with pytest.raises(InvalidArgument) as caught:
        checked_key(key)
    assert caught.value.field == "idempotency_key"


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - bounds
def test_times_survive_to_the_millisecond(moment: datetime) -> None:
    assert epoch_ms(datetime.fromisoformat(rfc3339(epoch_ms(moment)))) == epoch_ms(moment)
    assert 0 <= (moment - datetime.fromisoformat(rfc3339(epoch_ms(moment)))).total_seconds() < 0.001


def test_fractions_of_a_cent_are_refused() -> None:
    with pytest.raises(ValueError, match="decimal places"):
        minor_units(Decimal("0.001"))
