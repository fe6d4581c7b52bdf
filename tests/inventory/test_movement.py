import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory import movement
from inventory.errors import MovementRejected
from inventory.journal import Item, MovementType

SALE = {
    "event_id": "E1",
    "type": "sale",
    "occurred_at": "2017-01-01T10:00:00Z",
    "source": "till",
    "sequence": 4,
    "sku": "P1",
    "location": "S1",
    "quantity": -2,
    "order_id": "17",
}


def encoded(**changes: object) -> bytes:
    return json.dumps({**SALE, **changes}).encode()


def test_a_sale_becomes_a_command() -> None:
    command = movement.decode(encoded())
    assert (command.type, command.item, command.quantity) == (MovementType.SALE, Item("P1", "S1"), -2)
    assert command.occurred_at == datetime(2017, 1, 1, 10, tzinfo=UTC)


def test_times_of_other_zones_are_the_same_moment_in_utc() -> None:
    assert movement.decode(encoded(occurred_at="2017-01-01T12:00:00+02:00")) == movement.decode(encoded())


def test_a_field_that_nobody_knows_yet_is_allowed() -> None:
    assert movement.decode(encoded(till="7")) == movement.decode(encoded())


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (None, "empty", None),
        (b"", "empty", None),
        (b"{", "not_json", None),
        (b"\xff\xfe", "not_json", None),
        (b'{"till": ' + b"[" * 100_000, "not_json", None),
        (b"[" * 100_000 + b"]" * 100_000, "wrong_schema", None),
        (encoded()[:-1] + b', "till": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "not_json", None),
        (b"[]", "wrong_schema", None),
        (encoded(type="theft"), "wrong_schema", "type"),
        (encoded(quantity="2"), "wrong_schema", "quantity"),
        (encoded(quantity=-1.5), "wrong_schema", "quantity"),
        (encoded(quantity=-(2**70)), "wrong_schema", "quantity"),
        (encoded(occurred_at="yesterday"), "wrong_schema", "occurred_at"),
        (encoded(occurred_at="2017-01-01T10:00:00"), "wrong_schema", "occurred_at"),
        (encoded(event_id=""), "wrong_schema", "event_id"),
        (encoded(sku="P1@S1"), "name_malformed", "sku"),
        (encoded(location="S 1"), "name_malformed", "location"),
        (encoded(quantity=-2_000_000_000), "quantity_out_of_bounds", "quantity"),
        (encoded(quantity=2), "quantity_sign", "quantity"),
        (encoded(type="return", quantity=-2), "quantity_sign", "quantity"),
        (encoded(type="count", quantity=-2), "quantity_sign", "quantity"),
        (encoded(occurred_at="2300-01-01T00:00:00Z"), "occurred_at_out_of_bounds", "occurred_at"),
    ],
)
def test_what_is_no_movement_is_rejected_with_its_reason(value: bytes | None, reason: str, field: str | None) -> None:
    with pytest.raises(MovementRejected) as rejected:
        movement.decode(value)
    assert (rejected.value.reason, rejected.value.field) == (reason, field)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_movement_or_a_rejection(value: bytes) -> None:
    with pytest.raises(MovementRejected):
        movement.decode(value)
