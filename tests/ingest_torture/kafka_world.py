"""Kafka under torture: a topic whose every record is remembered at its offset, poison and transactions included."""

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic
from ingest.position import kafka_row
from ingest.settings import Settings
from ingest.tables import kafka_table
from ingest_torture import lake_verdict
from ingest_torture.world import hashed
from shopsphere_kit.settings import KafkaSettings, LakeSettings
from shopsphere_kit.waiting import wait_until

PARTITIONS, MANY = 3, 2_000
# Valid JSON with its envelope, nested deeper than a decoder's stack.
TOO_DEEP = b'{"event_id": "e", "occurred_at": "2024-01-01T00:00:00Z", "more": ' + b"[" * 1_200 + b"]" * 1_200 + b"}"
POISON: tuple[bytes | None, ...] = (b"{", b"\xff\xfe", b"{}", b"[1]", b"", None, TOO_DEEP, b'{"event_id": 7}')


@dataclass(frozen=True)
class Record:
    """One record as the broker has it."""

    partition: int
    offset: int
    key: bytes | None
    payload: str


class KafkaWorld:
    """See World."""

    def __init__(self, bootstrap: str, admin: AdminClient) -> None:
        self._bootstrap, self._topic, self._admin = bootstrap, f"t{uuid.uuid4().hex[:12]}", admin
        admin.create_topics([NewTopic(self._topic, PARTITIONS, 1)])[self._topic].result(30)
        self._partitions = PARTITIONS
        self._plain = self._producer()
        self._transactional = self._producer(**{"transactional.id": self._topic})
        self._transactional.init_transactions(30)
        self._good: Counter[Record] = Counter()
        self._poison: Counter[Record] = Counter()
        self._number = 0
        self._many(self._plain)

    def variables(self) -> dict[str, str]:
        """See World."""
        return {
            "INGEST_SOURCES": '["kafka"]',
            "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": self._bootstrap,
            "INGEST_KAFKA_TOPICS": json.dumps([self._topic]),
        }

    def settings(self, lake: LakeSettings) -> Settings:
        """See World."""
        broker = KafkaSettings(bootstrap_servers=self._bootstrap)
        return Settings(sources=["kafka"], kafka=broker, kafka_topics=[self._topic], lake=lake)

    def change(self, chance: random.Random) -> None:
        """See World; some records, now and then in a transaction, now and then in one that is aborted."""
        drawn = chance.random()
        if drawn > 0.1:
            self._remember(self._produce(self._plain, chance))
            return
        self._transactional.begin_transaction()
        sent = self._produce(self._transactional, chance)
        if drawn > 0.04:
            self._transactional.commit_transaction(30)
            self._remember(sent)
        else:
            self._transactional.abort_transaction(30)

    def grow(self) -> None:
        """See World; one more partition, and many records on it."""
        more = NewPartitions(self._topic, self._partitions + 1)
        self._admin.create_partitions([more])[self._topic].result(30)
        # A producer that is older than a partition does not know it for minutes.
        self._plain = self._producer()
        wait_until(self._grown, deadline_seconds=30, what="the new partition")
        self._partitions += 1
        self._many(self._plain)

    def release(self) -> None:
        """See World; no group is joined."""

    def drop(self) -> None:
        """Leave nothing behind."""
        self._admin.delete_topics([self._topic])[self._topic].result(30)
        del self._plain, self._transactional

    def problems(self, lake: LakeSettings) -> list[str]:
        """See World; every record is in the raw table, and poison in quarantine too."""
        bronze = lake_verdict.rows(lake, kafka_table(self._topic))
        if bronze is None:
            return ["the topic is not in bronze"]
        rows = [(self._record(row), row.get("_rejected")) for row in bronze.to_pylist()]
        found = _unequal("raw table", self._good + self._poison, Counter(record for record, _ in rows))
        found += _unequal("raw table, marked as rejected", self._poison, Counter(r for r, why in rows if why))
        quarantine = lake_verdict.rows(lake, "quarantine")
        records = quarantine.to_pylist() if quarantine is not None else []
        mine = [record for record in records if record["source"] == f"kafka:{self._topic}"]
        found += [f"quarantine: {record['position']} has no reason" for record in mine if not record["reason"]]
        places = {kafka_row(record.partition, record.offset): record for record in self._poison}
        return found + _unequal(
            "quarantine",
            Counter((place, record.key, record.payload) for place, record in places.items()),
            Counter((record["position"], record["key"], hashed(record["value"])) for record in mine),
        )

    @staticmethod
    def _record(row: dict[str, Any]) -> Record:
        return Record(row["partition"], row["offset"], row["key"], hashed(row["value"]))

    def _producer(self, **more: str) -> Producer:
        # A coordinator that is still loading is retried; what matters comes back as an error of a call.
        quiet = {"log_level": 2, "linger.ms": 1}
        return Producer({"bootstrap.servers": self._bootstrap, "enable.idempotence": True, **quiet, **more})

    def _grown(self) -> bool:
        return len(self._plain.list_topics(self._topic, 10).topics[self._topic].partitions) > self._partitions

    def _produce(self, producer: Producer, chance: random.Random) -> list[tuple[Message, bool]]:
        sent: list[tuple[Message, bool]] = []
        for _ in range(chance.randint(1, 6)):
            poison = chance.random() < 0.05
            self._send(producer, chance.choice(POISON) if poison else self._event(), poison, sent)
        assert producer.flush(30) == 0
        return sent

    def _many(self, producer: Producer) -> None:
        sent: list[tuple[Message, bool]] = []
        for _ in range(MANY):
            self._send(producer, self._event(), False, sent)
        assert producer.flush(30) == 0
        self._remember(sent)

    def _send(self, producer: Producer, value: bytes | None, poison: bool, sent: list[tuple[Message, bool]]) -> None:
        def delivered(error: object, message: Message) -> None:
            assert error is None, error
            sent.append((message, poison))

        self._number += 1
        key = f"k{self._number % 97}".encode() if self._number % 5 else None
        partition = self._number % (self._partitions if producer is self._plain else PARTITIONS)
        headers: list[tuple[str, str | bytes | None]] = [("h", b"\xff")]
        producer.produce(self._topic, value, key, partition=partition, on_delivery=delivered, headers=headers)
        producer.poll(0)

    def _event(self) -> bytes:
        return json.dumps({"event_id": f"e{self._number}", "occurred_at": "2024-01-01T00:00:00Z"}).encode()

    def _remember(self, sent: list[tuple[Message, bool]]) -> None:
        for message, poison in sent:
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            record = Record(partition, offset, message.key(), hashed(message.value()))
            (self._poison if poison else self._good)[record] += 1


def _unequal(where: str, expected: Counter[Any], found: Counter[Any]) -> list[str]:
    lost, more = expected - found, found - expected
    return [f"{where}: lost {one}" for one in lost] + [f"{where}: twice or never sent {one}" for one in more]


@contextmanager
def kafka_world(bootstrap: str) -> Iterator[KafkaWorld]:
    """A topic of one run."""
    world = KafkaWorld(bootstrap, AdminClient({"bootstrap.servers": bootstrap}))
    try:
        yield world
    finally:
        world.drop()
