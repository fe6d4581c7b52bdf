"""Records that nobody can read, on a real broker: in quarantine with the reason, and whole in bronze."""

import json
from collections.abc import Iterator

import pytest
from ingest.envelope import VALUE_BYTES_MAX, Envelope
from ingest_builders import bronze
from ingest_kafka import Topic, a_topic, take_in
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings

pytestmark = pytest.mark.servers
PARTITIONS = 4
EVENT = json.dumps({"event_id": "e1", "occurred_at": "2024-01-01T00:00:00Z", "session_id": "s1"}).encode()
MOVEMENT = EVENT.replace(b"{", b'{"sku": "P1", "location": "S1", ', 1)
LABEL = EVENT.replace(b"{", b'{"order_id": "17", ', 1)
GOOD = {"events": (b"s1", EVENT), "stock-movements": (b"P1@S1", MOVEMENT), "fraud-labels": (b"17", LABEL)}
# Nested deeper than a decoder's stack.
TOO_DEEP = EVENT.replace(b"{", b'{"more": ' + b"[" * 100_000 + b"]" * 100_000 + b", ", 1)


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[Topic]:
    """Four partitions, and room for records that are larger than ingest decodes."""
    with a_topic(kafka_bootstrap, PARTITIONS, {"max.message.bytes": str(4 * 2**20)}) as made:
        yield made


@pytest.mark.parametrize(
    ("like", "key", "value", "reason"),
    [
        ("events", b"s1", b"{broken", "not_json"),
        ("events", b"s1", TOO_DEEP, "not_json"),
        ("events", b"s1", b"\xff\xfe" + EVENT, "not_utf8"),
        ("events", b"s1", EVENT.replace(b"occurred_at", b"when"), "envelope_incomplete"),
        ("events", b"s1", None, "value_missing"),
        ("events", b"s1", b"", "value_missing"),
        ("events", b"s1", EVENT + b" " * VALUE_BYTES_MAX, "value_too_large"),
        ("events", b"s2", EVENT, "key_wrong"),
        ("events", None, EVENT, "key_missing"),
        ("stock-movements", b"P1", MOVEMENT, "key_wrong"),
        ("fraud-labels", b"\xff", LABEL, "key_wrong"),
    ],
    ids=lambda given: "large" if isinstance(given, bytes) and len(given) > 500 else None,
)
def test_poison_lies_in_quarantine_and_whole_in_bronze(
    like: str, key: bytes | None, value: bytes | None, reason: str, topic: Topic, lake_settings: LakeSettings
) -> None:
    good_key, good_value = GOOD[like]
    for partition in range(PARTITIONS):
        topic.produce(good_value, key=good_key, partition=partition)
    topic.produce(value, key=key, partition=2)
    for partition in range(PARTITIONS):
        topic.produce(good_value, key=good_key, partition=partition)
    rows = take_in(topic, lake_settings, Envelope(like))
    assert len(rows) == 2 * PARTITIONS + 1
    (bad,) = (row for row in rows if row["_rejected"] is not None)
    assert (bad["partition"], bad["offset"], bad["_rejected"]) == (2, 1, reason)
    assert (bad["value"], bad["key"], bad["headers"]) == (value, key, '[["h", "/w=="]]')
    (held,) = bronze(lake_settings, "quarantine")
    assert (held["source"], held["position"], held["reason"]) == (f"kafka:{topic.name}", bad["_position"], reason)
    assert (held["value"], held["key"], held["headers"]) == (value, key, '[["h", "/w=="]]')


def test_what_counts_as_too_large_is_a_setting(topic: Topic, lake_settings: LakeSettings) -> None:
    topic.produce(EVENT, EVENT + b" ")
    rows = take_in(topic, lake_settings, Envelope(topic.name, len(EVENT)))
    assert [(row["value"], row["_rejected"]) for row in rows] == [(EVENT, None), (EVENT + b" ", "value_too_large")]


def test_a_table_from_before_rejected_records_were_kept_goes_on(topic: Topic, lake_settings: LakeSettings) -> None:
    topic.produce(EVENT)
    take_in(topic, lake_settings)
    with open_catalog(lake_settings).load_table(f"bronze.{topic.table}").update_schema() as update:
        update.delete_column("_rejected")
    topic.produce(b"{broken")
    rows = take_in(topic, lake_settings)
    assert [(row["value"], row["_rejected"]) for row in rows] == [(EVENT, None), (b"{broken", "not_json")]
