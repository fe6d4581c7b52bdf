"""The stream worker under kill -9, on a real broker and a real Redis: nothing lost, nothing counted twice."""

import json
import os
import random
import signal
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
from shopsphere_kit.topics import STOCK_MOVEMENTS, STOCK_MOVEMENTS_DLQ
from shopsphere_kit.waiting import wait_until

pytestmark = pytest.mark.servers

SEED = 20260301
RECORDS, KILLS = 6000, 4


def records(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Movements of 40 items; one in twenty is delivered twice, one in a hundred is broken."""
    for number in range(RECORDS):
        sku, location = f"P{rng.randrange(20)}", f"S{rng.randrange(2)}"
        kind, quantity = rng.choice([("sale", -rng.randrange(4)), ("receipt", rng.randrange(9)), ("transfer", -1)])
        event = {
            "event_id": f"kill-{number}",
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


def work_through(environment: dict[str, str], client: "redis.Redis", count: int) -> None:
    """Let a worker take everything, and end it as a supervisor would."""
    with a_worker(environment) as worker:
        wait_until_taken(client, count, worker)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def test_a_worker_killed_at_random_moments_loses_and_doubles_nothing(
    environment: dict[str, str], kafka_bootstrap: str
) -> None:
    rng = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    client = redis.Redis.from_url(environment["INVENTORY_REDIS_URL"])
    client.flushdb()
    produce(kafka_bootstrap, rng)
    messages = read_all(kafka_bootstrap, STOCK_MOVEMENTS.name)
    on_hand, tally = independent_fold(messages)

    for moment in sorted(rng.randrange(1, len(messages)) for _ in range(KILLS)):
        with a_worker(environment) as worker:
            wait_until_taken(client, moment, worker)
    work_through(environment, client, len(messages))

    command = [sys.executable, "-m", "inventory", "audit"]
    audit = subprocess.run(command, env=environment, capture_output=True, check=True)
    expected = {**tally, "keys": len(on_hand), "units_on_hand": sum(on_hand.values()), "differences": 0}
    expected |= {"confirmed": 0, "outbox": 0}
    assert json.loads(audit.stdout) == expected
    for item, units in on_hand.items():
        sku, location = item.split("@")
        kept = client.hget(f"inv:stock:{sku}", location)
        assert isinstance(kept, bytes)
        assert int(kept.split(b":")[0]) == units
    assert broken_positions(messages) == set_aside(kafka_bootstrap)
    client.close()


def test_a_redis_that_was_emptied_is_filled_again_from_the_topic(
    environment: dict[str, str], kafka_bootstrap: str
) -> None:
    client = redis.Redis.from_url(environment["INVENTORY_REDIS_URL"])
    produce(kafka_bootstrap, random.Random(SEED + 1))  # noqa: S311 - repeatable, not secret
    count = len(read_all(kafka_bootstrap, STOCK_MOVEMENTS.name))
    balances = []
    for _ in range(2):
        client.flushdb()
        work_through(environment, client, count)
        balances.append({key: client.hgetall(key) for key in client.keys("inv:stock:*")})
    assert balances[0] == balances[1]
    client.close()


def broken_positions(messages: list[Any]) -> set[tuple[str, str, bytes]]:
    positions = set()
    for message in messages:
        try:
            json.loads(message.value())
        except ValueError:
            positions.add((str(message.partition()), str(message.offset()), message.value()))
    return positions


def set_aside(bootstrap: str) -> set[tuple[str, str, bytes]]:
    letters = [(dict(message.headers()), message.value()) for message in read_all(bootstrap, STOCK_MOVEMENTS_DLQ.name)]
    return {
        (headers["partition"].decode(), headers["offset"].decode(), value)
        for headers, value in letters
        if headers["topic"].decode() == STOCK_MOVEMENTS.name  # others are letters of tests about letters
    }
