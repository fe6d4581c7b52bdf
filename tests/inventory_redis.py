"""A Redis database of inventory's own, emptied for each test, with the functions loaded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inventory import library
from redis.asyncio import Redis

# The session's server is shared; database 0 belongs to whole-platform tests.
DATABASE = 6


def inventory_url(redis_url: str) -> str:
    return f"{redis_url.rpartition('/')[0]}/{DATABASE}"


@asynccontextmanager
async def empty_redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(inventory_url(redis_url))
    await client.flushdb()
    await library.load(client)
    yield client
    await client.aclose()
