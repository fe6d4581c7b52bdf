"""What makes a Kafka record good, and the columns that records become."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from ingest import position
from ingest.envelope import Envelope
from ingest.sources.kafka_records import moments, row_positions
from shopsphere_kit import topics

EVENT = b'{"event_id": "e1", "occurred_at": "2024-01-01T00:00:00Z", "more": [1, {"x": null}]}'
NESTED = EVENT.replace(b"null", b"[" * 100_000 + b"]" * 100_000)
LABEL = b'{"order_id": "17", "occurred_at": "2024-01-01T00:00:00.5+02:00"}'


MOVEMENT = EVENT.replace(b"{", b'{"sku": "P1", "location": "S@1", ', 1)


def reasons(topic: str, key: bytes | None, *values: bytes | None) -> dict[int, str]:
    found = Envelope(topic).faults([key] * len(values), values)
    return {place: fault.reason for place, fault in found.items()}


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        ("events", b"s1", EVENT.replace(b"{", b'{"session_id": "s1", ', 1)),
        ("events", "sé".encode(), EVENT.replace(b"{", '{"session_id": "sé", '.encode(), 1)),
        ("stock-movements", b"P1@S@1", MOVEMENT),
        ("fraud-labels", b"17", LABEL),
        ("fraud-decisions", b"17", LABEL),
        # What the value does not say, or not as text, its key cannot be held against.
        ("events", b"any", EVENT),
        ("stock-movements", b"any", MOVEMENT.replace(b'"P1"', b"1")),
        # The platform does not know how this topic is keyed.
        ("of-somebody-else", None, EVENT),
    ],
)
def test_a_record_with_its_envelope_and_key_passes(topic: str, key: bytes | None, value: bytes) -> None:
    assert Envelope(topic).faults([key], [value]) == {}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "value_missing"),
        (b"", "value_missing"),
        (b"{", "not_json"),
        (EVENT + b"x", "not_json"),
        (NESTED, "not_json"),
        (EVENT.replace(b"e1", b"\xff"), "not_utf8"),
        (EVENT.replace(b"null", b'"\xff"'), "not_utf8"),
        (b"[]", "envelope_incomplete"),
        (LABEL, "envelope_incomplete"),
        (EVENT.replace(b'"e1"', b'""'), "envelope_incomplete"),
        (EVENT.replace(b'"e1"', b"1"), "envelope_incomplete"),
        (EVENT.replace(b"Z", b""), "envelope_incomplete"),
        (EVENT.replace(b"2024", b"yesterday"), "envelope_incomplete"),
        (EVENT + b" " * 2**20, "value_too_large"),
    ],
)
def test_a_record_without_its_envelope_has_a_reason(value: bytes | None, reason: str) -> None:
    assert reasons("events", b"s1", EVENT, value) == {1: reason}


@pytest.mark.parametrize(
    ("topic", "key", "value", "reason"),
    [
        ("events", b"s2", EVENT.replace(b"{", b'{"session_id": "s1", ', 1), "key_wrong"),
        ("events", b"", EVENT.replace(b"{", b'{"session_id": "s1", ', 1), "key_wrong"),
        ("events", b"\xff", EVENT.replace(b"{", b'{"session_id": "s1", ', 1), "key_wrong"),
        ("stock-movements", b"P1@S1", MOVEMENT, "key_wrong"),
        ("fraud-labels", b"18", LABEL, "key_wrong"),
        ("events", None, EVENT, "key_missing"),
    ],
)
def test_a_record_under_another_key_than_its_topic_asks_for_has_a_reason(
    topic: str, key: bytes | None, value: bytes, reason: str
) -> None:
    assert reasons(topic, key, value) == {0: reason}


def test_every_topic_of_the_platform_has_its_rule() -> None:
    for topic in topics.ALL:
        assert Envelope(topic.name).faults([None], [MOVEMENT.replace(b"{", b'{"order_id": "17", ', 1)])


def test_rows_of_kafka_have_the_positions_that_one_row_has() -> None:
    partitions, offsets = [0, 3, 123_456], [0, 2**62, 7]
    made = row_positions(pa.array(partitions, pa.int32()), pa.array(offsets, pa.int64()))
    assert made.to_pylist() == list(map(position.kafka_row, partitions, offsets))


def test_a_time_that_no_reader_could_take_is_none() -> None:
    found = moments([1_500, None, -1, 2**62, 253_402_300_799_999])
    assert found.to_pylist() == [
        datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC),
        *(None, None, None),
        datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC),
    ]
