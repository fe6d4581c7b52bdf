"""The topic inventory-changes on a real broker, fed by a worker that is killed while it sends."""

import asyncio
import json
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from inventory.changes import Cursor
from inventory.redis_store import RedisStockStore
from inventory_redis import empty_redis
from inventory_stream import a_worker, environment, read_all
from redis.asyncio import Redis
from shopsphere_kit.topics import INVENTORY_CHANGES, STOCK_MOVEMENTS
from shopsphere_kit.waiting import await_until

__all__ = ["environment"]

pytestmark = pytest.mark.servers

RECORDS = 3000


def receipts(name: str) -> Iterator[tuple[str, bytes]]:
    rng = random.Random(7)  # noqa: S311 - a workload, no secret
    for number in range(RECORDS):
        sku = f"{name}-{rng.randrange(8)}"
        event = {
            "event_id": f"{name}-{number}",
            "type": "receipt",
            "occurred_at": "2026-03-01T10:00:00Z",
            "source": "test",
            "sku": sku,
            "location": "S1",
            "quantity": 1,
        }
        yield f"{sku}@S1", json.dumps(event).encode()


def produce(bootstrap: str, name: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for key, value in receipts(name):
        producer.produce(STOCK_MOVEMENTS.name, key=key, value=value)
    assert producer.flush(30) == 0


async def figure(client: Redis, key: str) -> int:
    found = await client.get(key)
    return int(found.rpartition(b"-")[2]) if isinstance(found, bytes) else 0


async def until_sent(client: Redis, least: int = 0) -> None:
    """Wait until all changes are on the topic, or so many."""

    async def is_sent() -> bool:
        if await client.get("inv:changes_sent") is None:
            return False
        return await figure(client, "inv:changes_sent") >= (least or await figure(client, "inv:changes_last"))

    await await_until(is_sent, deadline_seconds=60, what="changes on the topic", poll_seconds=0.005)


async def until_received(store: RedisStockStore, name: str) -> None:
    async def is_received() -> bool:
        found = (await store.availability([f"{name}-{number}" for number in range(8)])).skus
        return sum(balance.on_hand for at in found.values() for balance in at.values()) == RECORDS

    await await_until(is_received, deadline_seconds=60, what="all receipts")


def told(bootstrap: str, name: str) -> dict[str, list[Any]]:
    """What the topic tells of each item of this test, each version where it is told first."""
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    for record in read_all(bootstrap, INVENTORY_CHANGES.name):
        event = json.loads(record.value())
        if event["sku"].startswith(name):
            assert record.key() == f"{event['sku']}@{event['location']}".encode()
            found[event["sku"]].setdefault(event["version"], event)
    return {sku: list(events.values()) for sku, events in found.items()}


async def test_every_change_reaches_the_topic_in_the_order_of_its_item_though_the_worker_is_killed(
    kafka_bootstrap: str, redis_url: str, environment: dict[str, str]
) -> None:
    name = f"W{uuid.uuid4().hex[:8]}"
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        with a_worker(environment):
            await until_sent(client)
            before = await figure(client, "inv:changes_last")
            await asyncio.to_thread(produce, kafka_bootstrap, name)
            await until_sent(client, before + 20)
        with a_worker(environment):
            await until_received(store, name)
            await until_sent(client)
        changes = (await store.changes(Cursor(store.epoch, 0), 1_000_000)).changes
    topic = told(kafka_bootstrap, name)
    for number in range(8):
        sku = f"{name}-{number}"
        versions = [event["version"] for event in topic[sku]]
        assert versions == sorted(versions)
        assert set(versions) >= {change.version for change in changes if change.item.sku == sku}
        assert {event["quantity"] == event["version"] for event in topic[sku]} == {True}
