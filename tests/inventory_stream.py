"""A stream of stock movements on a real broker, workers that take it in, and what must come of it."""

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from confluent_kafka import Consumer, Producer, TopicPartition
from inventory_redis import inventory_url
from shopsphere_kit.topics import STOCK_MOVEMENTS
from shopsphere_kit.waiting import wait_until

RECORDS = 6000


def records(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Movements of 40 items; one in twenty is delivered twice, one in a hundred is broken."""
    name = f"event-{rng.randrange(10**9)}"  # the topic is shared: no two productions may share an event id
    for number in range(RECORDS):
        sku, location = f"P{rng.randrange(20)}", f"S{rng.randrange(2)}"
        kind, quantity = rng.choice([("sale", -rng.randrange(4)), ("receipt", rng.randrange(9)), ("transfer", -1)])
        event = {
            "event_id": f"{name}-{number}",
            "type": kind,
            "occurred_at": "2026-03-01T10:00:00Z",
            "source": "test",
            "sku": sku,
            "location": location,
            "quantity": quantity,
        }
        value = json.dumps(event).encode()
        if rng.random() < 0.01:
            value = value[:-5]
        for _ in range(2 if rng.random() < 0.05 else 1):
            yield f"{sku}@{location}", value


def produce(bootstrap: str, rng: random.Random) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for key, value in records(rng):
        producer.produce(STOCK_MOVEMENTS.name, key=key, value=value)
    assert producer.flush(30) == 0


def read_all(bootstrap: str, topic: str) -> list[Any]:
    """Every record of a topic, read without a group."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.partition.eof": False})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    ends = {number: consumer.get_watermark_offsets(TopicPartition(topic, number), 10) for number in partitions}
    consumer.assign([TopicPartition(topic, number, low) for number, (low, _) in ends.items()])
    found: list[Any] = []
    while len(found) < sum(high - low for low, high in ends.values()):
        found.extend(consumer.consume(1000, timeout=1))
    consumer.close()
    return found


def independent_fold(messages: list[Any]) -> tuple[dict[str, int], dict[str, int]]:
    """On hand per item and the tallies, by the plainest code that can say it."""
    on_hand: dict[str, int] = defaultdict(int)
    tally = {"movements": len(messages), "applied": 0, "duplicates": 0, "quarantined": 0}
    seen: set[str] = set()
    for message in messages:
        try:
            event = json.loads(message.value())
        except ValueError:
            tally["quarantined"] += 1
            continue
        if event["event_id"] in seen:
            tally["duplicates"] += 1
            continue
        seen.add(event["event_id"])
        tally["applied"] += 1
        on_hand[f"{event['sku']}@{event['location']}"] += event["quantity"]
    return dict(on_hand), tally


@pytest.fixture
def environment(kafka_bootstrap: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "INVENTORY_REDIS_URL": inventory_url(redis_url),
        "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "INVENTORY_STREAM_APP_ID": f"inventory-{tmp_path.name}",
        "INVENTORY_STREAM_DATADIR": str(tmp_path / "stream data"),
        "INVENTORY_STREAM_BATCH_RECORDS_MAX": "50",
    }


@contextmanager
def a_worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A stream worker, gone at the end whatever happens."""
    worker = subprocess.Popen([sys.executable, "-m", "inventory", "stream"], env=environment)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


def wait_until_taken(client: "redis.Redis", count: int, worker: subprocess.Popen[bytes]) -> None:
    def is_taken() -> bool:
        assert worker.poll() is None, "the worker ended by itself"
        taken = client.hget("inv:counters", "movements")
        return isinstance(taken, bytes) and int(taken) >= count

    wait_until(is_taken, deadline_seconds=60, what=f"{count} records", poll_seconds=0.002)
