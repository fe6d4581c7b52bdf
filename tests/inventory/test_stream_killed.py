"""The stream worker under kill -9, on a real broker and a real Redis: nothing lost, nothing counted twice."""

import json
import random
import signal
import subprocess
import sys
from typing import Any

import pytest
import redis
from inventory.__main__ import EXIT_REFUSED
from inventory_stream import a_worker, environment, independent_fold, produce, read_all, wait_until_taken
from shopsphere_kit.stream import EXIT_SINK_FAILED
from shopsphere_kit.topics import STOCK_MOVEMENTS, STOCK_MOVEMENTS_DLQ

__all__ = ["environment"]

pytestmark = pytest.mark.servers

SEED = 20260301
KILLS = 4


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
    expected |= {"confirmed": 0, "adjusted": 0, "outbox": 0}
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


def test_a_worker_that_is_idle_when_its_redis_is_emptied_ends_and_the_next_one_fills_it_again(
    environment: dict[str, str], kafka_bootstrap: str
) -> None:
    client = redis.Redis.from_url(environment["INVENTORY_REDIS_URL"])
    client.flushdb()
    produce(kafka_bootstrap, random.Random(SEED + 2))  # noqa: S311 - repeatable, not secret
    count = len(read_all(kafka_bootstrap, STOCK_MOVEMENTS.name))
    with a_worker(environment) as worker:
        wait_until_taken(client, count, worker)
        client.flushdb()
        assert worker.wait(60) in (EXIT_REFUSED, EXIT_SINK_FAILED)
    work_through(environment, client, count)
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
