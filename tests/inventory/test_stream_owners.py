"""Two workers, a rebalance and a zombie on real servers: what one worker owns no other writes."""

import json
import random
import signal
import subprocess
import sys
from typing import Any

import pytest
import redis
from inventory_stream import a_worker, environment, independent_fold, produce, read_all, wait_until_taken
from shopsphere_kit.stream import EXIT_SINK_FAILED
from shopsphere_kit.topics import STOCK_MOVEMENTS
from shopsphere_kit.waiting import wait_until

__all__ = ["environment"]

pytestmark = pytest.mark.servers

SEED = 20260302


def named(environment: dict[str, str], name: str) -> dict[str, str]:
    datadir = f"{environment['INVENTORY_STREAM_DATADIR']} {name}"
    return environment | {"INVENTORY_STREAM_INSTANCE_ID": name, "INVENTORY_STREAM_DATADIR": datadir}


def owner_epochs(client: "redis.Redis") -> dict[Any, int]:
    found: Any = client.hgetall(f"inv:owners:{STOCK_MOVEMENTS.name}")
    return {partition: int(epoch) for partition, epoch in found.items()}


def wait_until_all_taken_over(client: "redis.Redis", before: dict[Any, int]) -> None:
    def is_taken_over() -> bool:
        now = owner_epochs(client)
        return bool(before) and all(now[partition] > epoch for partition, epoch in before.items())

    wait_until(is_taken_over, deadline_seconds=60, what="the other worker to own every partition")


def audited(environment: dict[str, str]) -> Any:
    command = [sys.executable, "-m", "inventory", "audit"]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


@pytest.fixture
def client(environment: dict[str, str]) -> "redis.Redis":
    opened = redis.Redis.from_url(environment["INVENTORY_REDIS_URL"])
    opened.flushdb()
    return opened


def test_a_worker_that_slept_through_its_session_writes_nothing_of_what_is_another_s(
    environment: dict[str, str], client: "redis.Redis", kafka_bootstrap: str
) -> None:
    rng = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    produce(kafka_bootstrap, rng)
    already = len(read_all(kafka_bootstrap, STOCK_MOVEMENTS.name))
    with a_worker(named(environment, "sleeper")) as sleeper:
        wait_until_taken(client, already // 3, sleeper)
        sleeper.send_signal(signal.SIGSTOP)
        before = owner_epochs(client)
        with a_worker(named(environment, "successor")) as successor:
            wait_until_all_taken_over(client, before)
            produce(kafka_bootstrap, rng)
            sleeper.send_signal(signal.SIGCONT)
            messages = read_all(kafka_bootstrap, STOCK_MOVEMENTS.name)
            wait_until_taken(client, len(messages), successor)
            # A call that was in hand when it fell asleep has timed out, which ends a worker as any failing sink does.
            assert sleeper.poll() in (None, EXIT_SINK_FAILED)
            assert successor.poll() is None
    on_hand, tally = independent_fold(messages)
    report = audited(environment)
    assert {name: report[name] for name in tally} == tally
    assert (report["units_on_hand"], report["differences"]) == (sum(on_hand.values()), 0)
    client.close()


def test_a_worker_that_joins_while_another_works_shares_its_partitions_and_nothing_is_lost(
    environment: dict[str, str], client: "redis.Redis", kafka_bootstrap: str
) -> None:
    rng = random.Random(SEED + 1)  # noqa: S311 - repeatable, not secret
    produce(kafka_bootstrap, rng)
    with a_worker(named(environment, "first")) as first:
        wait_until_taken(client, 500, first)
        before = owner_epochs(client)
        with a_worker(named(environment, "second")) as second:
            wait_until_all_taken_over(client, before)
            produce(kafka_bootstrap, rng)
            messages = read_all(kafka_bootstrap, STOCK_MOVEMENTS.name)
            wait_until_taken(client, len(messages), second)
            assert first.poll() is None
    on_hand, tally = independent_fold(messages)
    report = audited(environment)
    assert {name: report[name] for name in tally} == tally
    assert (report["units_on_hand"], report["differences"]) == (sum(on_hand.values()), 0)
    client.close()


def test_an_owner_whose_partitions_are_taken_from_it_joins_anew_and_goes_on(
    environment: dict[str, str], client: "redis.Redis", kafka_bootstrap: str
) -> None:
    rng = random.Random(SEED + 2)  # noqa: S311 - repeatable, not secret
    produce(kafka_bootstrap, rng)
    count = len(read_all(kafka_bootstrap, STOCK_MOVEMENTS.name))
    with a_worker(named(environment, "robbed")) as robbed:
        wait_until_taken(client, 500, robbed)
        for partition in owner_epochs(client):
            client.hincrby(f"inv:owners:{STOCK_MOVEMENTS.name}", partition, 1)
        wait_until_taken(client, count, robbed)
    on_hand, tally = independent_fold(read_all(kafka_bootstrap, STOCK_MOVEMENTS.name))
    report = audited(environment)
    assert {name: report[name] for name in tally} == tally
    assert (report["units_on_hand"], report["differences"]) == (sum(on_hand.values()), 0)
    client.close()
