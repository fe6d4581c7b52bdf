"""Which data set Redis holds: how one is opened, how another or an older one is told, and how to go on."""

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from inventory import library
from inventory.errors import StockUnavailable
from inventory.redis_store import RedisStockStore, open_data_set, reopen_data_set
from inventory_builders import SOAP, a_reservation, once, stocked
from inventory_failing_redis import OwnRedis, own_redis
from inventory_redis import empty_redis
from inventory_shop import numbers
from msgspec import msgpack
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

__all__ = ["own_redis"]

pytestmark = pytest.mark.servers


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with empty_redis(redis_url) as opened:
        yield opened


@asynccontextmanager
async def opened(server: OwnRedis) -> AsyncIterator[RedisStockStore]:
    # Connections of before a restart are broken; one more try makes a new one.
    client = Redis.from_url(server.url, retry=Retry(NoBackoff(), 1))
    await library.load(client)
    yield await RedisStockStore.open(client)
    await client.aclose()


async def reason_of_opening(client: Redis) -> str:
    with pytest.raises(StockUnavailable) as caught:
        await open_data_set(client)
    return caught.value.reason


async def test_an_empty_database_gets_an_epoch_once(client: Redis) -> None:
    first = await open_data_set(client)
    await stocked(RedisStockStore(client, first))
    again = await open_data_set(client)
    assert again.epoch == first.epoch > 0
    assert again.sequence > first.sequence == 0


async def test_the_sequence_grows_with_each_change_and_with_no_read(client: Redis) -> None:
    store = await RedisStockStore.open(client)
    seen = [(await open_data_set(client)).sequence]
    await stocked(store, 10)
    await store.reserve(a_reservation(), once())
    seen.append((await open_data_set(client)).sequence)
    await store.availability([SOAP.sku])
    await store.ledgers(SOAP.sku)
    seen.append((await open_data_set(client)).sequence)
    assert seen == [0, 2, 2]


async def test_a_database_with_the_keys_of_others_is_left_alone(client: Redis) -> None:
    await client.set("session:17", "somebody else's")
    assert await reason_of_opening(client) == "epoch_missing"
    assert await client.keys() == [b"session:17"]


async def test_the_state_of_version_2_is_taken_up_with_epoch_1(client: Redis) -> None:
    await stocked(await RedisStockStore.open(client), 10)
    await client.delete("inv:epoch", "inv:sequence")
    store = await RedisStockStore.open(client)
    assert (store.epoch, await numbers(store)) == (1, (10, 0))


async def test_a_data_set_that_lost_its_epoch_is_not_taken_for_version_2(client: Redis) -> None:
    await stocked(await RedisStockStore.open(client), 10)
    await client.delete("inv:epoch")
    assert await reason_of_opening(client) == "epoch_missing"


async def test_a_reopened_data_set_keeps_its_stock_and_refuses_who_knew_it_before(client: Redis) -> None:
    before = await RedisStockStore.open(client)
    await stocked(before, 10)
    assert (await reopen_data_set(client)).epoch > before.epoch
    with pytest.raises(StockUnavailable) as caught:
        await before.availability([SOAP.sku])
    assert caught.value.reason == "epoch_mismatch"
    after = await RedisStockStore.open(client)
    await stocked(after, 1)
    assert await numbers(after) == (11, 0)


async def test_a_process_of_version_2_is_refused_by_the_newer_functions(client: Redis) -> None:
    await open_data_set(client)
    of_version_2 = msgpack.encode({"skus": ["P1"], "location": "", "retention_ms": 1, "balances_max": 1})
    with pytest.raises(ResponseError, match="EPOCHMISMATCH"):
        await client.fcall("inventory_availability", 0, of_version_2)


async def test_no_function_but_those_that_open_does_anything_in_another_data_set(client: Redis) -> None:
    await open_data_set(client)
    names = set(re.findall(r"'(inventory_\w+)'", library.SOURCE))
    for name in names - {"inventory_version", "inventory_open", "inventory_reopen"}:
        with pytest.raises(ResponseError, match="EPOCHMISMATCH"):
            await client.fcall(name, 0, "1", "0")
    assert len(names) > 10


async def refused_as_gone_back(store: RedisStockStore) -> None:
    with pytest.raises(StockUnavailable, match="python -m inventory reopen") as of_read:
        await store.ledgers(SOAP.sku)
    with pytest.raises(StockUnavailable) as of_change:
        await store.reserve(a_reservation(), once())
    assert (of_read.value.reason, of_change.value.reason) == ("state_went_back", "state_went_back")


def run(verb: str, server: OwnRedis) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "INVENTORY_REDIS_URL": server.url, "INVENTORY_START_DEADLINE_SECONDS": "10"}
    return subprocess.run(
        [sys.executable, "-m", "inventory", verb], env=environment, capture_output=True, text=True, check=False
    )


async def test_an_old_copy_is_refused_by_who_knew_better_and_then_by_everybody_until_it_is_reopened(
    own_redis: OwnRedis,
) -> None:
    async with opened(own_redis) as store:
        await stocked(store, 10)
        own_redis.kill()
        own_redis.keep_copy("yesterday")
        own_redis.start()
        await stocked(store, 5)
        await store.reserve(a_reservation(12), once())
        own_redis.kill()
        own_redis.put_back("yesterday")
        own_redis.start()
        await refused_as_gone_back(store)
        refused = run("audit", own_redis)
        assert (refused.returncode, "reopen" in refused.stderr) == (69, True)
        reopened = run("reopen", own_redis)
        assert json.loads(reopened.stdout)["epoch"] > store.epoch
    async with opened(own_redis) as successor:
        assert await numbers(successor) == (10, 0)
        await stocked(successor, 5)
    assert run("audit", own_redis).returncode == 0


async def test_a_newer_copy_put_in_the_place_of_an_old_one_is_worked_on_without_a_restart(own_redis: OwnRedis) -> None:
    async with opened(own_redis) as store:
        await stocked(store, 10)
        own_redis.kill()
        own_redis.keep_copy("old")
        own_redis.start()
        await stocked(store, 5)
        own_redis.kill()
        own_redis.keep_copy("new")
        own_redis.put_back("old")
        own_redis.start()
        await refused_as_gone_back(store)
        own_redis.kill()
        own_redis.put_back("new")
        own_redis.start()
        await stocked(store, 1)
        assert await numbers(store) == (16, 0)


async def test_a_log_that_lost_its_tail_is_noticed(own_redis: OwnRedis) -> None:
    async with opened(own_redis) as store:
        await stocked(store, 10)
        await store.reserve(a_reservation(4), once())
        own_redis.kill()
        (log,) = (own_redis.data / "appendonlydir").glob("*.incr.aof")
        log.write_bytes(log.read_bytes()[:-20])
        own_redis.start()
        await refused_as_gone_back(store)
