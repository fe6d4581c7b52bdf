"""A Redis database of fraud's own, emptied for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

# The session's server is shared; database 0 belongs to whole-platform tests, 6 to inventory's.
DATABASE = 7


def fraud_url(redis_url: str) -> str:
    return f"{redis_url.rpartition('/')[0]}/{DATABASE}"


@asynccontextmanager
async def fraud_redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of fraud's database as it is."""
    client = Redis.from_url(fraud_url(redis_url), decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def empty_redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of fraud's database, emptied."""
    async with fraud_redis(redis_url) as client:
        await client.flushdb()
        yield client
