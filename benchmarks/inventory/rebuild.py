"""Claim: an empty Redis is filled from the topic at 100,000 events a second, with all that the stream does to each.

Ours: `python -m inventory rebuild` from inside: records read, decoded and applied with deduplication by offset and by
event id, journal and offsets, in function calls of 10,000. The other side: the same records read, decoded by msgspec,
and counted with one redis-py pipeline of HINCRBY per 1,000; it does none of that. Both read the same real Kafka and
write to the same real Redis with appendfsync always. A rebuild keeps Python and Redis busy side by side, so with a core
for each the slower of the two decides; on a machine that others use, look at their CPU times.
"""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer
from confluent_kafka import Producer
from frame import number, report
from inventory import library, rebuilding
from inventory.redis_store import RedisStockStore
from inventory.topic_reader import TopicReader
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from shopsphere_kit.events import StockMovement
from shopsphere_kit.topics import STOCK_MOVEMENTS
from shopsphere_local import catalogue
from shopsphere_local.ports import Ports
from shopsphere_local.servers import kafka
from shopsphere_local.servers import redis as redis_server
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from shopsphere_local.supervisor import Supervisor

RECORDS = int(os.environ.get("RECORDS", "500000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SKUS = 5_000
SEED = 20170101
GOAL = 100_000


def produce(bootstrap: str) -> None:
    """Sales and receipts over 5,000 skus, each in the partition of its key."""
    draw = random.Random(SEED)  # noqa: S311 - inputs of a benchmark
    template = {"occurred_at": "2017-01-01T10:00:00Z", "source": "till", "sequence": 1, "order_id": None}
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 50, "queue.buffering.max.messages": RECORDS})
    for event in range(RECORDS):
        sku, quantity = f"P{draw.randrange(SKUS)}", draw.choice([-1, -2, 12])
        own = {"event_id": f"e{event}", "type": "sale" if quantity < 0 else "receipt", "sku": sku}
        value = msgspec.json.encode(template | own | {"location": "S1", "quantity": quantity})
        producer.produce(STOCK_MOVEMENTS.name, key=f"{sku}@S1", value=value)
        producer.poll(0)
    producer.flush()


async def ours(reader: TopicReader, url: str) -> None:
    """Everything that a rebuild does between its checks and its hash."""
    client = AsyncRedis.from_url(f"{url}/1")
    await client.flushdb()
    await library.load(client)
    values = rebuilding.values_of(reader.chunks(await reader.extent()))
    await rebuilding.fill(await RedisStockStore.open(client), values, lambda _: None)
    await client.aclose()


async def counting(reader: TopicReader, url: str) -> None:
    """A pipeline of HINCRBY per thousand records."""
    decoder = msgspec.json.Decoder(StockMovement)
    client = AsyncRedis.from_url(f"{url}/2")
    await client.flushdb()
    async for chunk in reader.chunks(await reader.extent()):
        pipeline = client.pipeline(transaction=False)
        for record in chunk:
            movement = decoder.decode(record.value)
            pipeline.hincrby(f"stock:{movement.sku}", movement.location, movement.quantity)
        await pipeline.execute()
    await client.aclose()


class Side:
    """One way to fill Redis, and the CPU time that it and Redis spend on it."""

    def __init__(self, name: str, work: Callable[[TopicReader, str], Awaitable[None]]) -> None:
        self.name, self._work = name, work

    async def rate(self, bootstrap: str, url: str) -> float:
        """Events per second of one run, told with CPU seconds."""
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
        await consumer.start()
        before, python, started = redis_seconds(url), time.process_time(), time.perf_counter()
        await self._work(TopicReader(consumer, STOCK_MOVEMENTS.name), url)
        wall, python = time.perf_counter() - started, time.process_time() - python
        await consumer.stop()
        served = redis_seconds(url) - before
        print(
            f"  {self.name}: {wall:.1f} s wall, {python:.1f} s of Python's core, {served:.1f} s of Redis' core",
            end="; ",
        )
        print(f"with a core for each {number(RECORDS / max(python, served))} events/s", flush=True)
        return RECORDS / wall


def redis_seconds(url: str) -> float:
    """CPU seconds of Redis' main thread so far."""
    with Redis.from_url(f"{url}/0") as client:
        told = client.info("cpu")
        return float(told["used_cpu_user_main_thread"]) + float(told["used_cpu_sys_main_thread"])


async def compare(bootstrap: str, url: str) -> None:
    """Both sides in turn, once to warm up and then so many rounds as count."""
    sides, measured = (Side("ours", ours), Side("counting", counting)), list[tuple[float, float]]()
    for each in range(ROUNDS + 1):
        one, two = [await side.rate(bootstrap, url) for side in sides]
        print(f"{f'round {each}' if each else 'warm-up'}: ours {number(one)}  other {number(two)} events/s", flush=True)
        if each:
            measured.append((one, two))
    report("inventory/rebuild", measured, unit="events/s", goal=GOAL, holds=lambda mine, _: mine >= GOAL)


async def main() -> None:
    """Start Kafka and Redis, fill the topic, compare, stop them."""
    with tempfile.TemporaryDirectory() as folder:
        state, ports, cache = State(Path(folder)), Ports.free(), State(LocalSettings().state_dir).cache
        state.prepare()
        supervisor = Supervisor(state.run, catalogue.servers(state, ports, cache=cache))
        await supervisor.start(["kafka", "redis"])
        bootstrap = kafka.bootstrap(ports.kafka)
        url = redis_server.url(ports.redis, state.credentials().redis_password, 0).rpartition("/")[0]
        try:
            await asyncio.to_thread(produce, bootstrap)
            await compare(bootstrap, url)
        finally:
            await supervisor.stop()


if __name__ == "__main__":
    asyncio.run(main())
