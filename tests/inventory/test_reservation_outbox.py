"""A confirmed reservation through a real Redis and a real Kafka: told, taken back once, and known after a rebuild."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from inventory.holds import Hold, Line
from inventory.journal import Item
from inventory.redis_store import RedisStockStore
from inventory_builders import a_reservation, confirmation, once
from inventory_redis import empty_redis, inventory_url
from shopsphere_kit.topics import STOCK_MOVEMENTS
from shopsphere_kit.waiting import await_until

pytestmark = pytest.mark.servers


@contextmanager
def a_worker(environment: dict[str, str]) -> Iterator[None]:
    """A stream worker that takes movements and publishes sales, ended as a supervisor would."""
    worker = subprocess.Popen([sys.executable, "-m", "inventory", "stream"], env=environment)
    try:
        yield
        worker.terminate()
        assert worker.wait(30) == 0
    finally:
        worker.kill()
        worker.wait()


def receive(bootstrap: str, item: Item, quantity: int) -> None:
    event = {
        "event_id": f"receipt-{item.sku}",
        "type": "receipt",
        "occurred_at": "2026-03-01T08:00:00Z",
        "source": "test",
        "sku": item.sku,
        "location": item.location,
        "quantity": quantity,
    }
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(STOCK_MOVEMENTS.name, key=f"{item.sku}@{item.location}", value=json.dumps(event).encode())
    assert producer.flush(30) == 0


def audited(environment: dict[str, str], keys: Path) -> Any:
    command = [sys.executable, "-m", "inventory", "audit", "--keys", str(keys)]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


async def on_hand(store: RedisStockStore, *items: Item) -> list[int | None]:
    found = (await store.availability([item.sku for item in items])).skus
    kept = [found[item.sku].get(item.location) for item in items]
    return [balance.on_hand if balance else None for balance in kept]


async def until(store: RedisStockStore, items: list[Item], units: list[int]) -> None:
    async def is_so() -> bool:
        return await on_hand(store, *items) == units

    await await_until(is_so, deadline_seconds=60, what=f"{units} on hand")


async def test_a_confirmed_reservation_is_told_once_and_survives_an_emptied_redis(
    kafka_bootstrap: str, redis_url: str, tmp_path: Path
) -> None:
    name = uuid.uuid4().hex[:8]
    items = [Item(f"SOAP-{name}", "S1"), Item(f"BREAD-{name}", "S1")]
    environment = {
        **os.environ,
        "INVENTORY_REDIS_URL": inventory_url(redis_url),
        "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "INVENTORY_STREAM_APP_ID": f"inventory-{name}",
        "INVENTORY_STREAM_DATADIR": str(tmp_path / "stream"),
    }
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        for item in items:
            receive(kafka_bootstrap, item, 10)
        with a_worker(environment):
            await until(store, items, [10, 10])
        # No worker, no way to Kafka: the confirmation succeeds and its sales wait.
        decision = await store.reserve(a_reservation(4, items[0], Line(items[1], 1)), once())
        assert isinstance(decision.outcome, Hold)
        await store.confirm(confirmation(decision.outcome.reservation_id), once())
        assert await on_hand(store, *items) == [6, 9]
        assert len(await store.outbox(10)) == 2
        before = await store.totals()
        with a_worker(environment):

            async def both_came_back() -> bool:
                return (await store.totals()).duplicates == before.duplicates + 2

            await await_until(both_came_back, deadline_seconds=60, what="both sales as duplicates")
        assert await store.outbox(10) == []
        assert await on_hand(store, *items) == [6, 9]
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        with a_worker(environment):
            await until(store, items, [6, 9])
    report = audited(environment, tmp_path / "keys.jsonl")
    assert (report["differences"], report["outbox"]) == (0, 0)
    keys = [json.loads(line) for line in (tmp_path / "keys.jsonl").read_text().splitlines()]
    assert {(each["sku"], each["location"]): each["on_hand"] for each in keys}.items() >= {
        (items[0].sku, "S1"): 6,
        (items[1].sku, "S1"): 9,
    }.items()
    assert sum(each["on_hand"] for each in keys) == report["units_on_hand"]
