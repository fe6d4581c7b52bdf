"""What only the stream of changes in Redis has: a bound, and numbers that survive a restart."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from inventory import library
from inventory.changes import NEVER, Change, Cursor
from inventory.journal import Item
from inventory.redis_store import RedisStockStore, reopen_data_set
from inventory_builders import TOPIC, a_movement, positioned, stocked
from inventory_failing_redis import OwnRedis, own_redis
from inventory_redis import empty_redis, inventory_url
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

__all__ = ["own_redis"]

pytestmark = pytest.mark.servers


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with empty_redis(redis_url) as opened:
        yield opened
        await opened.function_load(library.SOURCE, replace=True)


async def test_the_stream_is_bounded_and_its_numbers_have_no_holes(client: Redis) -> None:
    bounded = library.SOURCE.replace("local MAX_CHANGES = 1000000", "local MAX_CHANGES = 200")
    assert bounded != library.SOURCE
    await client.function_load(bounded, replace=True)
    store = await RedisStockStore.open(client)
    for _ in range(700):
        await stocked(store, 1)
    # Redis trims whole nodes of its stream, of 100 entries.
    assert 200 <= await client.xlen("inv:changes") <= 300
    assert await client.get("inv:changes_last") == b"700"
    last = (await store.changes(None, 1)).cursor
    kept = await store.changes(Cursor(last.epoch, last.number - 200), 1000)
    assert [each.cursor.number for each in kept.changes] == list(range(last.number - 199, last.number + 1))


async def test_a_large_call_is_read_in_parts(client: Redis) -> None:
    store = await RedisStockStore.open(client)
    batch = positioned(*[a_movement(1, Item(f"P{number}", "S1")) for number in range(250)])
    await store.apply_movements(TOPIC, batch)
    assert await client.xlen("inv:changes") == 3
    seen, cursor = list[Change](), Cursor(store.epoch, 0)
    for _ in range(9):
        found = await store.changes(cursor, 30)
        assert len(found.changes) <= 30
        seen += found.changes
        cursor = found.cursor
    assert [each.cursor.number for each in seen] == list(range(1, 251))
    assert {each.item.sku for each in seen} == {f"P{number}" for number in range(250)}


async def test_a_cursor_survives_a_restart_of_redis(own_redis: OwnRedis) -> None:
    client = Redis.from_url(own_redis.url, retry=Retry(NoBackoff(), 1))
    await library.load(client)
    store = await RedisStockStore.open(client)
    await stocked(store, 10)
    cursor = (await store.changes(None, 1)).cursor
    await client.xtrim("inv:changes", maxlen=0, approximate=False)
    own_redis.kill()
    own_redis.start()
    await stocked(store, 5)
    assert [each.version for each in (await store.changes(cursor, 10)).changes] == [2]
    await client.aclose()


async def test_who_sends_changes_goes_on_in_a_reopened_data_set_from_a_cursor_of_before(client: Redis) -> None:
    store = await RedisStockStore.open(client)
    await stocked(store, 10)
    hour = timedelta(hours=1)
    await store.lead_changes("one", hour)
    assert await store.changes_sent("one", NEVER, Cursor(store.epoch, 1))
    await reopen_data_set(client)
    after = await RedisStockStore.open(client)
    assert await after.lead_changes("one", hour) == Cursor(store.epoch, 1)


def low_stock(redis_url: str, units: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "INVENTORY_REDIS_URL": inventory_url(redis_url)}
    command = [sys.executable, "-m", "inventory", "low-stock", units]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


async def test_an_operator_says_what_is_low(client: Redis, redis_url: str) -> None:
    store = await RedisStockStore.open(client)
    await stocked(store, 5)
    assert json.loads(low_stock(redis_url, "6").stdout) == {"low_stock": 6}
    await stocked(store, 2)
    assert [change.is_low for change in (await store.changes(Cursor(store.epoch, 1), 10)).changes] == [False]
    refused = low_stock(redis_url, "-1")
    assert (refused.returncode, "must be 0 to" in refused.stderr) == (2, True)
