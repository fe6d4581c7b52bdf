"""Claim: events reach bronze at 0.35 of the speed at which a bare consumer throws them away.

A million events of about 300 bytes in four partitions, produced in one transaction. The reader is up before the
transaction is committed, as it shows by having taken one event of each partition; then all of them can be read at once,
and the time runs from that commit until the last one is in bronze (ours: `python -m ingest run`, Kafka alone, default
settings) or was taken (the other side: confluent-kafka in a process of its own). Each side has a topic of its own in
each round. EVENTS=50000 tries it with less.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from frame import alternate, number, report
from ingest_lake import Lake
from ingest_servers import Servers, from_environment, servers
from measured_process import measured_process

GOAL = 0.35
PARTITIONS = 4
SEED = 20170101
# Values are made once and repeated, so that producing takes seconds.
_DIFFERENT = 20_000
_SECONDS = 120


@dataclass
class Topics:
    """The broker, what is produced to it, and what ours cost."""

    server: Servers
    events: int
    values: list[bytes]
    costs: list[float] = field(default_factory=list)
    made: int = 0

    def ours(self) -> float:
        """Events per second of ingest."""
        lake = Lake(self.server.folder / "lake")
        with self._topic() as (topic, producer):
            settings = {
                "INGEST_SOURCES": '["kafka"]',
                "INGEST_KAFKA_TOPICS": f'["{topic}"]',
                "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": self.server.broker,
            }
            with lake.ingest(**settings) as process:
                lake.wait_for_rows({_bronze(topic): PARTITIONS}, process)
                before = process.cpu_seconds()
                producer.commit_transaction(_SECONDS)
                started = time.perf_counter()
                lake.wait_for_rows({_bronze(topic): PARTITIONS + self.events}, process)
                seconds, cpu = time.perf_counter() - started, process.cpu_seconds() - before
                process.stop()
            assert process.exit_code == 0, process.log_tail()
        self.costs.append(cpu)
        print(
            f"  ours: {seconds:.2f} s, {cpu:.2f} CPU-seconds ({self.events / cpu:,.0f} events per CPU-second)",
            flush=True,
        )
        return self.events / seconds

    def bare(self) -> float:
        """Events per second of a consumer that throws them away."""
        script = str(Path(__file__).parents[1] / "bare_consumer.py")
        with self._topic() as (topic, producer):
            counts = (str(PARTITIONS), str(PARTITIONS), str(PARTITIONS + self.events))
            command = [sys.executable, script, self.server.broker, topic, *counts]
            with measured_process(
                command, {"PATH": os.environ["PATH"]}, self.server.folder / "bare.log", prints=True
            ) as process:
                process.line()
                producer.commit_transaction(_SECONDS)
                started = time.perf_counter()
                process.line()
                seconds = time.perf_counter() - started
                process.wait()
        return self.events / seconds

    @contextmanager
    def _topic(self) -> Iterator[tuple[str, Producer]]:
        """A new topic with one event in each partition and all others in a transaction that is not committed yet."""
        self.made += 1
        topic = f"bench{self.made}"
        admin = AdminClient({"bootstrap.servers": self.server.broker})
        admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(_SECONDS)
        producer = Producer(
            {
                "bootstrap.servers": self.server.broker,
                "transactional.id": topic,
                "transaction.timeout.ms": 600_000,
                "linger.ms": 20,
                "log_level": 3,
                "batch.size": 262_144,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        producer.init_transactions(_SECONDS)
        self._produce(producer, topic, PARTITIONS)
        producer.commit_transaction(_SECONDS)
        self._produce(producer, topic, self.events)
        yield topic, producer
        admin.delete_topics([topic])[topic].result(_SECONDS)

    def _produce(self, producer: Producer, topic: str, count: int) -> None:
        producer.begin_transaction()
        for each in range(count):
            value = self.values[each % len(self.values)]
            while True:
                try:
                    producer.produce(topic, value, b"s%d" % each, partition=each % PARTITIONS)
                    break
                except BufferError:
                    producer.poll(0.1)
            if each % 10_000 == 0:
                producer.poll(0)
        left = producer.flush(_SECONDS)
        assert left == 0, f"{left} events were not produced"


def values() -> list[bytes]:
    """Page views, as they stand on the topic, of about 300 bytes."""
    draw = random.Random(SEED)  # noqa: S311 - inputs of a benchmark
    return [
        msgspec.json.encode(
            {
                "event_id": f"{draw.getrandbits(128):032x}",
                "occurred_at": f"2017-01-{draw.randint(1, 28):02d}T10:{draw.randint(0, 59):02d}:00.123456Z",
                "source": "web",
                "sequence": each,
                "type": "page_viewed",
                "session_id": f"s{draw.getrandbits(64):016x}",
                "customer_id": f"C{draw.randint(1, 99999)}",
                "url": f"/products/P{draw.randint(1, 92331)}",
                "referrer": "https://shop.example.test/search?q=garden+chair",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
            }
        )
        for each in range(_DIFFERENT)
    ]


def _bronze(topic: str) -> str:
    return f"bronze_kafka__{topic}"


def main() -> None:
    """Start a broker, compare, report."""
    made = values()
    print(f"values of {statistics.mean(map(len, made)):.0f} bytes", flush=True)
    with servers("kafka") as server:
        topics = Topics(server, int(from_environment("EVENTS", 1_000_000)), made)
        measured = alternate(topics.ours, topics.bare, "events/s")
    # The first is the warm-up's.
    per_cpu = topics.events / statistics.median(topics.costs[1:])
    print(f"worst round: {min(one / two for one, two in measured):.2f} times the bare consumer")
    print(f"ours per CPU-second of its process: {number(per_cpu)} events")

    report("ingest/kafka_events", measured, unit="events/s", goal=GOAL)


if __name__ == "__main__":
    main()
