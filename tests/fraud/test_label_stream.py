"""Labels from Kafka: each counts once, and what cannot be read is put aside with its bytes."""

from datetime import timedelta

import pytest
from fraud.orders import History, Label
from fraud.store import InMemoryVelocityStore, Reject, ScoreOrder
from fraud.stream import LabelSink, read_label
from fraud_builders import NOON, NOON_MS, an_order, earlier
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.events import FraudLabel, encode_event
from shopsphere_kit.stream import Record

WRONG = "wrong_schema"


def a_record(value: bytes | None, offset: int = 0) -> Record:
    return Record("fraud-labels", 0, offset, b"key", value, NOON_MS)


def an_event(order_id: str, *, is_fraud: bool = True) -> bytes:
    event = FraudLabel(event_id="E1", order_id=order_id, is_fraud=is_fraud, occurred_at=NOON, source="chargebacks")
    return encode_event(event)


async def test_labels_reach_the_histories_once_however_often_they_come() -> None:
    store = InMemoryVelocityStore(ManualClock(NOON), timedelta(days=90))
    past, order = earlier(5), an_order()
    await store.record([past])
    for _ in range(2):
        await LabelSink(store)([a_record(an_event(past.order_id)), a_record(an_event(past.order_id), 1)])
    opened = await store.open(ScoreOrder("key", "digest", order))
    assert isinstance(opened, History)
    assert list(opened.labels[past.order_id]) == [Label(past.order_id, True, NOON_MS)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"{broken", "not_json"),
        (b'{"a":' * 1_100 + b"1" + b"}" * 1_100, "not_json"),
        (b'{"note":' + b"[" * 100_000, "not_json"),
        (b'{"event_id":"\xff"}', "not_json"),
        (b'{"event_id":"E","order_id":"1","is_fraud":"yes","occurred_at":"2017-03-01T00:00:00Z","source":"s"}', WRONG),
        (b'{"event_id":"E","order_id":"1","is_fraud":true,"occurred_at":"2017-03-01T00:00:00","source":"s"}', WRONG),
        (b'{"event_id":"E","is_fraud":true,"occurred_at":"2017-03-01T00:00:00Z","source":"s"}', WRONG),
    ],
)
def test_a_record_that_is_no_label_keeps_bytes_position_and_reason(value: bytes | None, reason: str) -> None:
    read = read_label(a_record(value, 7))
    assert isinstance(read, Reject)
    assert (read.topic, read.partition, read.offset, read.reason, read.value) == ("fraud-labels", 0, 7, reason, value)


async def test_a_batch_with_an_unreadable_record_still_counts() -> None:
    store = InMemoryVelocityStore(ManualClock(NOON), timedelta(days=90))
    await LabelSink(store)([a_record(b"{broken"), a_record(an_event("1"), 1)])
    assert list(store.rejects) == [("fraud-labels", 0, 0)]
    assert await store.label([Label("1", True, NOON_MS)]) == 0
