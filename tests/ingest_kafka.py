"""A Kafka topic of one test, and the pump that takes it into a lake."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from threading import Event

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from ingest import report
from ingest.batch import Pace
from ingest.envelope import Envelope
from ingest.pump import Pump
from ingest.sink import IcebergSink
from ingest.sources.kafka import KafkaTopic, consumer_settings
from ingest.sources.progress import KafkaProgress
from ingest.tables import kafka_table
from ingest_builders import bronze, bronze_tables
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

CLOCK = ManualClock(datetime(2024, 5, 17, tzinfo=UTC))
PACE = Pace(rows=1_000, seconds=0.2)


def an_event(number: int) -> bytes:
    return json.dumps({"event_id": f"e{number}", "occurred_at": "2024-01-01T00:00:00Z"}).encode()


@dataclass
class Topic:
    """A topic that only its test knows; records go to the partition that is named."""

    bootstrap: str
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:12]}")

    @property
    def table(self) -> str:
        return kafka_table(self.name)

    @cached_property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def consumer(self) -> Consumer:
        return Consumer(consumer_settings(self.bootstrap))

    def produce(self, *values: bytes | None, key: bytes | None = b"key", partition: int = 0, at: int = 0) -> None:
        # A producer of its own, for one that is older than a partition would not know it yet.
        producer = Producer({"bootstrap.servers": self.bootstrap, "message.max.bytes": 4 * 2**20})
        for value in values:
            producer.produce(self.name, value, key, partition=partition, headers=[("h", b"\xff")], timestamp=at)
        assert producer.flush(30) == 0

    def pump(self, lake: LakeSettings, rule: Envelope | None = None, *, skip_expired: bool = False) -> Pump:
        source = KafkaTopic(self.name, self.consumer, rule or Envelope(self.name), skip_expired=skip_expired)
        return Pump(source, IcebergSink(bronze_tables(lake), CLOCK), PACE, Event())


@contextmanager
def a_topic(bootstrap: str, partitions: int = 2, settings: Mapping[str, str] | None = None) -> Iterator[Topic]:
    """A new topic, removed at the end."""
    topic = Topic(bootstrap)
    made = topic.admin.create_topics([NewTopic(topic.name, partitions, 1, config=dict(settings or {}))])
    made[topic.name].result(30)
    yield topic
    topic.admin.delete_topics([topic.name])[topic.name].result(30)


@contextmanager
def opened(pump: Pump) -> Iterator[Pump]:
    """The pump at the table's position; in the end it lets go of the broker."""
    pump.open()
    try:
        yield pump
    finally:
        pump._source.close()


def step_until(pump: Pump, holds: Callable[[], bool], what: str) -> None:
    """Read and commit until something holds."""

    def stepped() -> bool:
        pump.step()
        return holds()

    wait_until(stepped, deadline_seconds=30, what=what)


def drain(pump: Pump, topic: Topic, lake: LakeSettings) -> None:
    """Step until all that the topic has now is committed."""
    progress = KafkaProgress(topic.name, topic.consumer)
    progress.mark()
    positions = report.positions(bronze_tables(lake))
    step_until(pump, lambda: not progress.behind(positions), "the topic's records")


def take_in(topic: Topic, lake: LakeSettings, rule: Envelope | None = None) -> list[dict[str, object]]:
    """Start ingest, take in what the topic has, and stop; gives the rows of bronze."""
    with opened(topic.pump(lake, rule)) as pump:
        drain(pump, topic, lake)
    return bronze(lake, topic.table)
