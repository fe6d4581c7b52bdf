"""The whole state in Redis, read back in pages that hold nobody up for long."""

from collections.abc import AsyncIterator
from itertools import islice

from redis.asyncio import Redis

from inventory import wire
from inventory.journal import Balance, Item
from inventory.redis_store import skus_in

# Event ids lie in sets named by the first four hexadecimal digits of their hash (functions/state.lua).
_SHARDS = [f"inv:events:{shard:04x}" for shard in range(2**16)]
_PAGE = 512


class RedisContents:
    """Balances and event ids as the functions keep them."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def balances(self) -> AsyncIterator[tuple[Item, Balance]]:
        """Every item once."""
        async for sku in skus_in(self._client):
            shelves: dict[bytes, bytes] = await self._client.hgetall(f"inv:stock:{sku}")  # type: ignore[assignment]
            for shelf, packed in shelves.items():
                yield Item.on(sku, shelf.decode()), wire.balance_of(packed)

    async def event_ids(self) -> AsyncIterator[str]:
        """Every event id taken, once."""
        shards = iter(_SHARDS)
        while page := list(islice(shards, _PAGE)):
            pipeline = self._client.pipeline(transaction=False)
            for shard in page:
                pipeline.smembers(shard)
            for members in await pipeline.execute():
                for event_id in members:
                    yield event_id.decode()

    async def outbox_length(self) -> int:
        """How many movements the topic still lacks."""
        return int(await self._client.xlen("inv:outbox"))
