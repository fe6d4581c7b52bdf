"""Offsets without a record, on a real broker: compacted, transactional, expired."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stubs do not export them
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from confluent_kafka.cimpl import NewTopic
from ingest.errors import PositionLost
from ingest.position import KafkaPosition, decode
from ingest_builders import bronze, bronze_tables
from ingest_kafka import Topic, a_topic, an_event, drain, opened, step_until, take_in
from prometheus_client import REGISTRY
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers
# Any moment will do; records a second apart are more than a segment's 100 ms apart, so each begins a new segment.
LONG_AGO, SECOND = 1_700_000_000_000, 1_000
COMPACTED = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.001",
    "max.compaction.lag.ms": "100",
}


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[Topic]:
    with a_topic(kafka_bootstrap) as made:
        yield made


def offsets(topic: Topic, lake: LakeSettings) -> dict[int, int]:
    """The position that the table records."""
    recorded = decode(bronze_tables(lake).position(topic.table) or "")
    assert isinstance(recorded, KafkaPosition)
    return dict(recorded.offsets)


def events_of(rows: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(row["offset"], row["value"]) for row in rows]


def expired(topic: Topic) -> float:
    return REGISTRY.get_sample_value("shopsphere_ingest_expired_total", {"source": f"kafka:{topic.name}"}) or 0.0


def remaining(topic: Topic) -> list[int]:
    """The offsets that a partition still has records at, as any consumer sees them."""
    consumer = topic.consumer()
    consumer.assign([TopicPartition(topic.name, 0, 0)])
    found: list[int] = []
    while (message := consumer.poll(10)) is not None and message.error() is None:
        found.append(message.offset() or 0)
    consumer.close()
    return found


def compact_eagerly(topic: Topic) -> None:
    """Let the broker look for something to compact ten times a second, with a buffer that fits into its heap twice."""
    eager = {"log.cleaner.backoff.ms": "100", "log.cleaner.dedupe.buffer.size": str(4 * 2**20)}
    entries = [ConfigEntry(*each, incremental_operation=AlterConfigOpType.SET) for each in eager.items()]
    broker = ConfigResource(ResourceType.BROKER, "1", incremental_configs=entries)
    topic.admin.incremental_alter_configs([broker])[broker].result(30)


def test_a_compacted_topic_has_gaps_that_nothing_waits_for(kafka_bootstrap: str, lake_settings: LakeSettings) -> None:
    with a_topic(kafka_bootstrap, 1, COMPACTED) as topic:
        compact_eagerly(topic)
        for number in range(6):
            topic.produce(an_event(number), key=b"ab"[number % 2 :][:1], at=LONG_AGO + number * SECOND)
        # The newest segment is never compacted, so one more record stands there.
        topic.produce(an_event(6), key=b"c", at=LONG_AGO + 7 * SECOND)
        wait_until(lambda: remaining(topic) == [4, 5, 6], deadline_seconds=60, what="compaction")
        rows = take_in(topic, lake_settings)
        assert events_of(rows) == [(number, an_event(number)) for number in (4, 5, 6)]
        topic.produce(an_event(7), key=b"c", at=LONG_AGO + 8 * SECOND)
        assert events_of(take_in(topic, lake_settings))[3:] == [(7, an_event(7))]


def test_records_that_are_compacted_while_nobody_reads_are_passed(
    kafka_bootstrap: str, lake_settings: LakeSettings
) -> None:
    with a_topic(kafka_bootstrap, 1, COMPACTED) as topic:
        topic.produce(an_event(0), key=b"a", at=LONG_AGO)
        take_in(topic, lake_settings)
        compact_eagerly(topic)
        for number in range(1, 5):
            topic.produce(an_event(number), key=b"b", at=LONG_AGO + number * SECOND)
        topic.produce(an_event(5), key=b"c", at=LONG_AGO + 6 * SECOND)
        wait_until(lambda: remaining(topic) == [0, 4, 5], deadline_seconds=60, what="compaction")
        # The recorded offset, 1, is itself one that compaction took.
        assert events_of(take_in(topic, lake_settings)) == [(number, an_event(number)) for number in (0, 4, 5)]


def transaction(topic: Topic, *values: bytes, commit: bool) -> None:
    producer = a_transactional_producer(topic)
    producer.begin_transaction()
    for value in values:
        producer.produce(topic.name, value, b"key", partition=0)
    producer.flush(30)
    producer.commit_transaction(30) if commit else producer.abort_transaction(30)


def a_transactional_producer(topic: Topic) -> Producer:
    producer = Producer({"bootstrap.servers": topic.bootstrap, "transactional.id": topic.name})
    producer.init_transactions(30)
    return producer


def test_aborted_records_never_appear_and_markers_are_passed(topic: Topic, lake_settings: LakeSettings) -> None:
    transaction(topic, an_event(0), an_event(1), commit=True)
    transaction(topic, an_event(2), an_event(3), commit=False)
    transaction(topic, an_event(4), commit=True)
    transaction(topic, an_event(5), commit=False)
    rows = take_in(topic, lake_settings)
    # Each transaction ends with a marker: at 2, 5, 7 and 9.
    assert events_of(rows) == [(0, an_event(0)), (1, an_event(1)), (6, an_event(4))]
    assert offsets(topic, lake_settings)[0] == 10


def test_an_open_transaction_is_waited_for_without_holding_up_what_is_behind_it(
    topic: Topic, lake_settings: LakeSettings
) -> None:
    topic.produce(an_event(0))
    producer = a_transactional_producer(topic)
    producer.begin_transaction()
    producer.produce(topic.name, an_event(1), b"key", partition=0)
    assert producer.flush(30) == 0
    topic.produce(an_event(2))
    topic.produce(an_event(3), partition=1)
    # `wait` ends here too: what is not committed at the source is not missing.
    assert [row["value"] for row in take_in(topic, lake_settings)] == [an_event(0), an_event(3)]
    assert offsets(topic, lake_settings) == {0: 1, 1: 1}
    producer.commit_transaction(30)
    rows = take_in(topic, lake_settings)
    assert [row["value"] for row in rows] == [an_event(0), an_event(1), an_event(2), an_event(3)]


def expire(topic: Topic, before: int) -> None:
    """What retention does, at once: remove the records of partition 0 before an offset."""
    place = TopicPartition(topic.name, 0, before)
    topic.admin.delete_records([place])[place].result(30)


def test_records_that_expired_unread_stop_their_topic_and_are_counted(
    topic: Topic, lake_settings: LakeSettings
) -> None:
    topic.produce(an_event(0), an_event(1))
    take_in(topic, lake_settings)
    topic.produce(an_event(2), an_event(3), an_event(4))
    expire(topic, before=4)
    with (
        opened(topic.pump(lake_settings)) as pump,
        pytest.raises(PositionLost, match=r"offsets 2 to 3 of partition 0 unread.*INGEST_KAFKA_SKIP_EXPIRED"),
    ):
        step_until(pump, lambda: False, "the broker's refusal")
    assert expired(topic) == 2
    assert len(bronze(lake_settings, topic.table)) == 2


def test_where_it_is_allowed_ingest_goes_on_behind_what_expired(topic: Topic, lake_settings: LakeSettings) -> None:
    topic.produce(an_event(0))
    take_in(topic, lake_settings)
    topic.produce(an_event(1), an_event(2))
    expire(topic, before=2)
    with opened(topic.pump(lake_settings, skip_expired=True)) as pump:
        drain(pump, topic, lake_settings)
    assert events_of(bronze(lake_settings, topic.table)) == [(0, an_event(0)), (2, an_event(2))]
    assert expired(topic) == 1


def test_what_expired_before_the_first_start_is_not_missed(topic: Topic, lake_settings: LakeSettings) -> None:
    topic.produce(an_event(0), an_event(1))
    expire(topic, before=1)
    assert events_of(take_in(topic, lake_settings)) == [(1, an_event(1))]


def test_a_topic_that_was_made_anew_is_not_taken_for_the_old_one(topic: Topic, lake_settings: LakeSettings) -> None:
    topic.produce(an_event(0), an_event(1))
    take_in(topic, lake_settings)
    topic.admin.delete_topics([topic.name])[topic.name].result(30)
    wait_until(lambda: made(topic), deadline_seconds=30, what="the name to be free")
    topic.produce(an_event(2))
    with (
        opened(topic.pump(lake_settings, skip_expired=True)) as pump,
        pytest.raises(PositionLost, match=f"ends at offset 1.*set {topic.table} aside"),
    ):
        step_until(pump, lambda: False, "the broker's refusal")


def made(topic: Topic) -> bool:
    """Make the topic; False while the old one is still on its way out."""
    error = topic.admin.create_topics([NewTopic(topic.name, 2, 1)])[topic.name].exception(30)
    return error is None
