"""How the functions get into Redis, and what happens when Redis is not as expected."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from inventory import library
from inventory.errors import StockUnavailable
from inventory.redis_store import RedisStockStore
from inventory_builders import TOPIC, a_reservation, once, stocked
from inventory_redis import empty_redis
from inventory_shop import numbers
from redis.asyncio import Redis
from redis.exceptions import ResponseError

pytestmark = pytest.mark.servers


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with empty_redis(redis_url) as opened:
        yield opened
        await opened.function_load(library.SOURCE, replace=True)


def of_version(number: int) -> str:
    return library.SOURCE.replace(f"local VERSION = {library.VERSION}", f"local VERSION = {number}")


async def test_the_library_is_loaded_once(client: Redis) -> None:
    await library.load(client)
    assert await library.installed_version(client) == library.VERSION


async def test_an_older_library_is_replaced(client: Redis) -> None:
    await client.function_load(of_version(0), replace=True)
    await library.load(client)
    assert await library.installed_version(client) == library.VERSION


async def test_other_code_of_the_same_version_is_replaced(client: Redis) -> None:
    await client.function_load(library.SOURCE + "\n-- changed by hand\n", replace=True)
    await library.load(client)
    assert b"changed by hand" not in str(await client.function_list(library.NAME, withcode=True)).encode()


async def test_a_newer_library_is_left_alone(client: Redis) -> None:
    await client.function_load(of_version(99), replace=True)
    with pytest.raises(StockUnavailable, match="upgrade"):
        await library.load(client)
    assert await library.installed_version(client) == 99


async def test_without_the_functions_the_store_says_that_it_is_unavailable(client: Redis) -> None:
    store = await RedisStockStore.open(client)
    await client.function_delete(library.NAME)
    assert await library.installed_version(client) is None
    with pytest.raises(StockUnavailable) as caught:
        await store.availability(["P1"])
    assert caught.value.reason == "library_missing"


async def test_a_number_that_is_no_exact_integer_changes_nothing(client: Redis) -> None:
    good, broken = [0, 0, "E1", "receipt", "P1", "S1", 1, 0, ""], [0, 1, "E2", "receipt", "P1", "S1", 1.5, 0, ""]
    store = await RedisStockStore.open(client)
    opened = await client.keys()
    batch = msgspec.msgpack.encode([good, broken])
    with pytest.raises(ResponseError, match="quantity is not an exact integer"):
        await client.fcall("inventory_apply_movements", 0, str(store.epoch), "0", TOPIC, batch, b"\x80")
    assert await client.keys() == opened


async def test_a_reservation_id_that_is_taken_changes_nothing(client: Redis) -> None:
    store = await RedisStockStore.open(client)
    await stocked(store, 10)
    first = a_reservation(4)
    await store.reserve(first, once())
    with pytest.raises(StockUnavailable):
        await store.reserve(first, once())
    assert await numbers(store) == (10, 4)
