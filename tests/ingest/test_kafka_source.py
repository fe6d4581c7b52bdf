"""The Kafka source against a real broker."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka.cimpl import NewPartitions
from ingest import report
from ingest.batch import Pace
from ingest.envelope import Envelope
from ingest.sources import kafka
from ingest.sources.kafka import KafkaTopic
from ingest.sources.kafka_lag import kafka_lag
from ingest.sources.progress import KafkaProgress
from ingest.sources.streams import Lag
from ingest_builders import bronze, bronze_tables
from ingest_kafka import Topic, a_topic, an_event, opened, step_until, take_in
from shopsphere_kit.settings import LakeSettings

pytestmark = pytest.mark.servers
NOON = datetime(2024, 5, 17, 12, tzinfo=UTC)


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[Topic]:
    with a_topic(kafka_bootstrap) as made:
        yield made


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_records_land_raw(topic: Topic, lake_settings: LakeSettings) -> None:
    topic.produce(an_event(1), an_event(1), at=milliseconds(NOON))
    topic.produce(an_event(2), key=None, partition=1)
    rows = take_in(topic, lake_settings)
    assert [(row["partition"], row["offset"], row["key"], row["value"]) for row in rows] == [
        (0, 0, b"key", an_event(1)),
        (0, 1, b"key", an_event(1)),
        (1, 0, None, an_event(2)),
    ]
    assert {row["topic"] for row in rows} == {topic.name}
    assert rows[0]["headers"] == '[["h", "/w=="]]'
    assert rows[0]["_position"] == "00000/00000000000000000000"
    assert rows[0]["_committed_at"] == NOON
    assert {row["_rejected"] for row in rows} == {None}


def test_offsets_come_from_the_table(topic: Topic, lake_settings: LakeSettings) -> None:
    topic.produce(*map(an_event, range(5)), partition=1)
    take_in(topic, lake_settings)
    topic.produce(an_event(5), partition=1)
    rows = take_in(topic, lake_settings)
    assert [(row["partition"], row["offset"]) for row in rows] == [(1, number) for number in range(6)]


def test_a_partition_that_joins_is_read_from_its_beginning(
    topic: Topic, lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "PARTITIONS_LOOK_SECONDS", 0.0)
    topic.produce(an_event(0))
    take_in(topic, lake_settings)
    with opened(topic.pump(lake_settings)) as pump:
        pump.step()
        topic.admin.create_partitions([NewPartitions(topic.name, 3)])[topic.name].result(30)
        topic.produce(an_event(1), an_event(2), partition=2)
        topic.produce(an_event(3))
        step_until(pump, lambda: len(bronze(lake_settings, topic.table)) == 4, "the records of the new partition")
    rows = bronze(lake_settings, topic.table)
    assert [(row["partition"], row["offset"]) for row in rows] == [(0, 0), (0, 1), (2, 0), (2, 1)]


def test_a_partition_that_joined_while_nobody_read_is_read_from_its_beginning(
    topic: Topic, lake_settings: LakeSettings
) -> None:
    topic.produce(an_event(0))
    take_in(topic, lake_settings)
    topic.admin.create_partitions([NewPartitions(topic.name, 3)])[topic.name].result(30)
    topic.produce(an_event(1), partition=2)
    rows = take_in(topic, lake_settings)
    assert [(row["partition"], row["offset"]) for row in rows] == [(0, 0), (2, 0)]


def test_progress_counts_what_is_missing(topic: Topic, lake_settings: LakeSettings) -> None:
    topic.produce(*map(an_event, range(5)))
    progress = KafkaProgress(topic.name, topic.consumer)
    positions = report.positions(bronze_tables(lake_settings))
    progress.mark()
    assert progress.behind(positions) == ["5 records"]
    take_in(topic, lake_settings)
    assert progress.behind(positions) == []


def test_lag_is_told_in_records_and_since_the_oldest_of_them(topic: Topic) -> None:
    topic.produce(an_event(0), at=milliseconds(NOON))
    topic.produce(an_event(1), an_event(2), at=milliseconds(NOON + timedelta(seconds=50)))
    topic.produce(an_event(3), partition=1, at=milliseconds(NOON + timedelta(seconds=40)))
    assert kafka_lag(topic.name, topic.consumer, {}) == Lag(events=4, since=NOON)
    assert kafka_lag(topic.name, topic.consumer, {0: 1}) == Lag(events=3, since=NOON + timedelta(seconds=40))
    assert kafka_lag(topic.name, topic.consumer, {0: 2, 1: 1}) == Lag(events=1, since=NOON + timedelta(seconds=50))
    assert kafka_lag(topic.name, topic.consumer, {0: 3, 1: 1}) == Lag(events=0, seconds=0.0)


def test_a_batch_is_cut_by_its_bytes(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "MESSAGES_PER_CALL", 1)
    topic.produce(*(an_event(number) + b" " * 1000 for number in range(6)))
    source = KafkaTopic(topic.name, topic.consumer, Envelope(topic.name))
    source.open(lambda _: None)
    sizes: list[int] = []
    while sum(sizes) < 6:
        batches = source.read(Pace(1000, 0.5, size=2000))
        sizes += [rows for batch in batches for chunk in batch.chunks if (rows := chunk.rows.num_rows)]
    source.close()
    assert sizes == [2, 2, 2]
