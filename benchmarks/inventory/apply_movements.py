"""Claim: taking movements in with deduplication, journal and offset costs less than five times counting without any.

Ours: each batch of 1,000 records is decoded and applied in one Redis function call, which deduplicates by offset and
by event id, appends to the journal and advances the offset. The other side: the same records through msgspec and one
redis-py pipeline of HINCRBY per 1,000 with hiredis, which is how such a consumer is usually written; it does none of
that. Both write to the same real Redis with appendfsync always, in databases of their own.
"""

import asyncio
import random
import tempfile
from pathlib import Path

import msgspec
from frame import compare
from inventory import library
from inventory.redis_store import RedisStockStore
from inventory.stream import InMemoryDeadLetters, PartitionOwner, create_handler
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from shopsphere_kit.events import StockMovement
from shopsphere_kit.stream import Record
from shopsphere_local.ports import Ports
from shopsphere_local.servers import redis as redis_server
from shopsphere_local.state import State
from shopsphere_local.supervisor import Supervisor

RECORDS = 20_000
BATCH = 1_000
SKUS = 500
TOPIC = "stock-movements"
SEED = 20170101


def movements() -> list[bytes]:
    """Sales and receipts over 500 skus, as they stand on the topic."""
    draw = random.Random(SEED)  # noqa: S311 - inputs of a benchmark
    template = {"occurred_at": "2017-01-01T10:00:00Z", "source": "till", "sequence": 1, "order_id": None}
    return [
        msgspec.json.encode(
            template
            | {
                "event_id": f"e{number}",
                "type": "sale" if (quantity := draw.choice([-1, -2, 12])) < 0 else "receipt",
                "sku": f"P{draw.randrange(SKUS)}",
                "location": "S1",
                "quantity": quantity,
            }
        )
        for number in range(RECORDS)
    ]


def ours(url: str, values: list[bytes]) -> int:
    """Everything the stream worker does after Kafka handed over a batch."""

    async def run() -> None:
        client = AsyncRedis.from_url(f"{url}/1")
        await client.flushdb()
        await library.load(client)
        store = await RedisStockStore.open(client)
        owner = PartitionOwner(store)
        await owner.take_over(frozenset({0}))
        handle = create_handler(store, InMemoryDeadLetters(), owner)
        for start in range(0, len(values), BATCH):
            batch = enumerate(values[start : start + BATCH], start)
            await handle([Record(TOPIC, 0, offset, None, value, 0) for offset, value in batch])
        await client.aclose()

    asyncio.run(run())
    return len(values)


def counting(url: str, values: list[bytes]) -> int:
    """A pipeline of HINCRBY per thousand records."""
    decoder = msgspec.json.Decoder(StockMovement)
    with Redis.from_url(f"{url}/2") as client:
        client.flushdb()
        for start in range(0, len(values), BATCH):
            pipeline = client.pipeline(transaction=False)
            for value in values[start : start + BATCH]:
                movement = decoder.decode(value)
                pipeline.hincrby(f"stock:{movement.sku}", movement.location, movement.quantity)
            pipeline.execute()
    return len(values)


async def main() -> None:
    """Start a Redis, compare, stop it."""
    with tempfile.TemporaryDirectory() as folder:
        state, ports = State(Path(folder)), Ports.free()
        state.prepare()
        password = state.credentials().redis_password
        spec = redis_server.spec(
            data=state.data / "redis", log=state.logs / "redis.log", port=ports.redis, password=password
        )
        supervisor = Supervisor(state.run, [spec])
        await supervisor.start(["redis"])
        url, values = redis_server.url(ports.redis, password, 0).rpartition("/")[0], movements()
        try:
            await asyncio.to_thread(
                compare,
                "inventory/apply_movements",
                lambda: ours(url, values),
                lambda: counting(url, values),
                unit="movements/s",
                goal=0.2,
            )
        finally:
            await supervisor.stop()


if __name__ == "__main__":
    asyncio.run(main())
