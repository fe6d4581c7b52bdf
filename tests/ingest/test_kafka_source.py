"""The Kafka source against a real broker."""

import json
import uuid
from collections.abc import Iterator
from threading import Event

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic
from ingest import bootstrap, report
from ingest.batch import Pace
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sources import kafka
from ingest.tables import kafka_table
from ingest_builders import bronze, bronze_tables
from shopsphere_kit.settings import KafkaSettings, LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(30)
    yield name
    admin.delete_topics([name])[name].result(30)


@pytest.fixture
def settings(kafka_bootstrap: str, topic: str, lake_settings: LakeSettings) -> Settings:
    return Settings(
        sources=["kafka"],
        kafka=KafkaSettings(bootstrap_servers=kafka_bootstrap),
        kafka_topics=[topic],
        lake=lake_settings,
        batch_seconds=0.5,
    )


@pytest.fixture
def producer(kafka_bootstrap: str) -> Producer:
    return Producer({"bootstrap.servers": kafka_bootstrap})


def an_event(number: int) -> bytes:
    return json.dumps({"event_id": f"e{number}", "occurred_at": "2024-01-01T00:00:00Z"}).encode()


def produce(producer: Producer, topic: str, *values: bytes | None, partition: int = 0) -> None:
    for value in values:
        producer.produce(topic, value, b"key", partition=partition, headers=[("h", b"\xff")])
    assert producer.flush(30) == 0


def drain(pump: Pump, settings: Settings) -> None:
    """Step until all that the topic has now is committed."""
    (progress,) = bootstrap.progress(settings)
    progress.mark()
    positions = report.positions(bronze_tables(settings.lake))

    def caught_up() -> bool:
        pump.step()
        return not progress.behind(positions)

    wait_until(caught_up, deadline_seconds=30, what="the topic's records")


def test_records_land_raw_and_broken_ones_in_quarantine(
    settings: Settings, topic: str, producer: Producer, lake_settings: LakeSettings
) -> None:
    produce(producer, topic, an_event(1), b"{broken", an_event(1), None, b'{"event_id": "x"}')
    pump = bootstrap.pumps(settings, Event())[0]
    pump.open()
    drain(pump, settings)
    pump._source.close()
    rows = bronze(lake_settings, kafka_table(topic))
    assert [(row["offset"], row["value"], row["key"]) for row in rows] == [
        (0, an_event(1), b"key"),
        (2, an_event(1), b"key"),
    ]
    assert rows[0]["headers"] == '[["h", "/w=="]]'
    assert rows[0]["_committed_at"] is not None
    bad = bronze(lake_settings, "quarantine")
    assert [(row["source"], row["reason"], row["value"]) for row in bad] == [
        (f"kafka:{topic}", "not_json", b"{broken"),
        (f"kafka:{topic}", "value_missing", None),
        (f"kafka:{topic}", "envelope_incomplete", b'{"event_id": "x"}'),
    ]


def test_offsets_come_from_the_table_and_partitions_may_join(
    settings: Settings,
    topic: str,
    producer: Producer,
    kafka_bootstrap: str,
    lake_settings: LakeSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    produce(producer, topic, *map(an_event, range(5)), partition=1)
    first = bootstrap.pumps(settings, Event())[0]
    first.open()
    drain(first, settings)
    first._source.close()
    second = bootstrap.pumps(settings, Event())[0]
    second.open()
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    # A producer that is older than the partition would not know it yet.
    produce(Producer({"bootstrap.servers": kafka_bootstrap}), topic, an_event(5), partition=2)
    monkeypatch.setattr(kafka, "PARTITIONS_LOOK_SECONDS", 0.0)

    def joined() -> bool:
        second.step()
        return len(bronze(settings.lake, kafka_table(topic))) == 6

    wait_until(joined, deadline_seconds=20, what="the record of the new partition")
    second._source.close()
    rows = bronze(lake_settings, kafka_table(topic))
    assert [(row["partition"], row["offset"]) for row in rows] == [*((1, n) for n in range(5)), (2, 0)]


def test_progress_counts_what_is_missing(
    settings: Settings, topic: str, producer: Producer, lake_settings: LakeSettings
) -> None:
    produce(producer, topic, *map(an_event, range(5)))
    (progress,) = bootstrap.progress(settings)
    positions = report.positions(bronze_tables(lake_settings))
    progress.mark()
    assert progress.behind(positions) == ["5 records"]
    pump = bootstrap.pumps(settings, Event())[0]
    pump.open()
    drain(pump, settings)
    pump._source.close()
    assert progress.behind(positions) == []


def test_a_batch_is_cut_by_its_bytes(
    settings: Settings, topic: str, producer: Producer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "MESSAGES_PER_CALL", 1)
    produce(producer, topic, *(an_event(number) + b" " * 1000 for number in range(6)))
    (source,) = bootstrap.sources(settings)
    source.open(lambda _: None)
    sizes: list[int] = []
    while sum(sizes) < 6:
        batches = source.read(Pace(1000, 0.5, size=2000))
        sizes += [rows for batch in batches for chunk in batch.chunks if (rows := chunk.rows.num_rows)]
    source.close()
    assert sizes == [2, 2, 2]
