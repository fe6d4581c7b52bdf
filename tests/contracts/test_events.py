"""The typed events and the protobuf contract say the same."""

import msgspec
import pytest
from google.protobuf.descriptor import FieldDescriptor
from shopsphere.events.v1 import events_pb2
from shopsphere_kit import events
from shopsphere_kit.errors import InvalidArgument

PAIRS = [
    (events.StockMovement, events_pb2.StockMovement),
    (events.BehaviourEvent, events_pb2.BehaviourEvent),
    (events.FraudLabel, events_pb2.FraudLabel),
    (events.FraudDecision, events_pb2.FraudDecision),
    (events.InventoryChanged, events_pb2.InventoryChanged),
]
A_MOVEMENT = {
    "event_id": "e1", "type": "sale", "occurred_at": "2017-01-01T10:00:00Z", "source": "till", "sequence": 1,
    "sku": "P1", "location": "S1", "quantity": -2, "order_id": "7", "colour": "blue",
}  # fmt: skip


@pytest.mark.parametrize(("struct", "message"), PAIRS, ids=lambda side: side.__name__)
def test_both_sides_name_the_same_fields(struct: type[msgspec.Struct], message: type) -> None:
    assert list(struct.__struct_fields__) == [field.name for field in message.DESCRIPTOR.fields]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("struct", "message"), PAIRS, ids=lambda side: side.__name__)
def test_a_field_is_optional_on_both_sides_or_on_none(struct: type[msgspec.Struct], message: type) -> None:
    defaults = {field.name for field in msgspec.structs.fields(struct) if not field.required}
    fields: list[FieldDescriptor] = message.DESCRIPTOR.fields  # type: ignore[attr-defined]
    assert defaults == {field.name for field in fields if field.has_presence and field.message_type is None}


def test_a_field_nobody_knows_yet_is_let_through() -> None:
    assert events.decode_event(msgspec.json.encode(A_MOVEMENT), events.StockMovement).quantity == -2


@pytest.mark.parametrize(
    ("change", "field"),
    [({"quantity": 1.5}, "quantity"), ({"quantity": "2"}, "quantity"), ({"type": "theft"}, "type"),
     ({"occurred_at": "2017-01-01T10:00:00"}, "occurred_at"), ({"sku": ""}, "sku"), ({"quantity": 2**53}, "quantity")],
)  # fmt: skip
def test_a_wrong_field_is_named_and_not_coerced(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        events.decode_event(msgspec.json.encode(A_MOVEMENT | change), events.StockMovement)
    assert (refused.value.reason, refused.value.field) == ("wrong_schema", field)


def test_a_missing_field_is_named() -> None:
    without = {name: value for name, value in A_MOVEMENT.items() if name != "sku"}
    with pytest.raises(InvalidArgument, match="sku"):
        events.decode_event(msgspec.json.encode(without), events.StockMovement)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "not_json"),
        (b"\xff", "not_json"),
        (b'{"event_id": "\xff"}', "not_json"),
        (b'{"event_id": "1", "deep": ' + b"[" * 5000 + b"]" * 5000 + b"}", "not_json"),
    ],
)
def test_what_is_no_json_says_so(value: bytes | None, reason: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        events.decode_event(value, events.StockMovement)
    assert refused.value.reason == reason


def test_an_event_survives_the_wire() -> None:
    movement = events.decode_event(msgspec.json.encode(A_MOVEMENT), events.StockMovement)
    assert events.decode_event(events.encode_event(movement), events.StockMovement) == movement
