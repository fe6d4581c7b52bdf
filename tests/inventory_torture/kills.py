"""Real processes under kill -9: Redis, Kafka, stream workers and clients of the store, and the verdict afterwards."""

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from ingest_torture.chance import stream
from ingest_torture.servers import servers
from inventory import audit, library
from inventory.journal import Item
from inventory.rebuilding import BATCH_RECORDS, Value, fill
from inventory.redis_store import RedisStockStore
from inventory.store import StockStore
from inventory_histories.servers import RedisProcess, a_redis
from inventory_stream import a_worker, read_all
from inventory_torture.checkout import Checkout
from inventory_torture.fold import plain_fold
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from shopsphere_kit.topics import STOCK_MOVEMENTS
from shopsphere_kit.waiting import await_until

SKUS, LOCATIONS, CLIENTS = 4, 2, 3
RECEIPTS, CALLS = 60, 25
# A worker starts, joins and takes what there is within seconds; a busy machine gets two minutes.
PATIENCE_SECONDS = 120.0


@contextmanager
def torture_servers() -> Iterator[str]:
    """A Kafka for as long as it is needed; its address."""
    with servers() as addresses:
        yield addresses.kafka


class Kills:
    """One run: its items and its events have names that no other run uses."""

    def __init__(self, seed: int, folder: Path, bootstrap: str) -> None:
        self._draw, self._folder, self._bootstrap = stream(seed, "kills"), folder, bootstrap
        self._name = f"K{os.urandom(4).hex()}"
        self._items = [Item(f"{self._name}-{sku}", f"S{place}") for sku in range(SKUS) for place in range(LOCATIONS)]
        self._numbers = 0

    def run(self, kills: int, tell: Callable[[int], None] = lambda _: None) -> list[str]:
        """Kill so many times, let everything come to rest, and return what is wrong."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder, a_redis(Path(folder)) as server:
            return asyncio.run(self._run(server, kills, tell))

    async def _run(self, server: RedisProcess, kills: int, tell: Callable[[int], None]) -> list[str]:
        client = Redis.from_url(server.url, retry=Retry(NoBackoff(), 1))
        await library.load(client)
        store = await RedisStockStore.open(client)
        await self._take_what_others_wrote(store)
        shops = [Checkout(f"{self._name}-{number}", store, self._items, self._draw) for number in range(CLIENTS)]
        try:
            for number in range(kills):
                await self._one_kill(server, store, shops)
                tell(number + 1)
            await self._come_to_rest(server, store)
            wrong = await self._wrong_with(store)
            for shop in shops:
                wrong += await shop.wrong()
            return wrong
        finally:
            await client.aclose()

    async def _take_what_others_wrote(self, store: StockStore) -> None:
        """The topic may be shared: what stands there before is not for the worker to take."""
        messages = await asyncio.to_thread(read_all, self._bootstrap, STOCK_MOVEMENTS.name)
        values = [(each.partition(), each.offset(), each.value()) for each in messages]

        async def in_chunks() -> AsyncIterator[list[Value]]:
            for start in range(0, len(values), BATCH_RECORDS):
                yield values[start : start + BATCH_RECORDS]

        await fill(store, in_chunks(), lambda _: None)

    async def _one_kill(self, server: RedisProcess, store: StockStore, shops: list[Checkout]) -> None:
        self._receive()
        taken = (await store.totals()).movements
        # At 0 the worker is killed while it starts.
        target = taken + self._draw.choice((0, 1, self._draw.randrange(1, RECEIPTS)))
        dies_with_redis = self._draw.random() < 1 / 3
        selling = [asyncio.create_task(shop.work(CALLS)) for shop in shops]
        with a_worker(self._environment(server)) as worker:
            await self._until(lambda: self._has_taken(store, target, worker), f"{target} records")
            if dies_with_redis:
                await server.kill_and_restart()
        await asyncio.gather(*selling)

    async def _come_to_rest(self, server: RedisProcess, store: StockStore) -> None:
        with a_worker(self._environment(server)) as worker:

            async def is_at_rest() -> bool:
                assert worker.poll() is None, "the worker ended by itself"
                if await store.outbox(1):
                    return False
                written = await asyncio.to_thread(_written, self._bootstrap)
                return (await store.totals()).movements == written

            await self._until(is_at_rest, "the topic and the outbox to be worked through")

    async def _wrong_with(self, store: StockStore) -> list[str]:
        messages = await asyncio.to_thread(read_all, self._bootstrap, STOCK_MOVEMENTS.name)
        mine = [each.value() for each in messages if self._name.encode() in (each.key() or b"")]
        on_hand, _ = plain_fold(mine)
        kept = {
            (ledger.item.sku, ledger.item.location, str(ledger.item.bucket)): ledger.balance.on_hand
            for sku in sorted({item.sku for item in self._items})
            for ledger in await store.ledgers(sku)
        }
        wrong = [] if kept == on_hand else [f"stock is not what the topic tells: {kept}, {on_hand}"]
        wrong += [f"oversold: {item} {units}" for item, units in kept.items() if units < 0]
        report = await audit.run(store)
        return wrong + ([f"the audit finds {report}"] if report.differences else [])

    async def _has_taken(self, store: StockStore, target: int, worker: "subprocess.Popen[bytes]") -> bool:
        assert worker.poll() is None, "the worker ended by itself"
        return (await store.totals()).movements >= target

    async def _until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        await await_until(condition, deadline_seconds=PATIENCE_SECONDS, what=what, poll_seconds=0.005)

    def _receive(self) -> None:
        """A few units of each item; one in ten is told twice, one in thirty is broken."""
        producer = Producer({"bootstrap.servers": self._bootstrap})
        for _ in range(RECEIPTS):
            item, value = self._draw.choice(self._items), b""
            self._numbers += 1
            value = self._receipt(item) if self._draw.random() > 1 / 30 else b"{broken"
            for _ in range(2 if self._draw.random() < 0.1 else 1):
                producer.produce(STOCK_MOVEMENTS.name, key=f"{item.sku}@{item.location}", value=value)
        assert producer.flush(30) == 0

    def _receipt(self, item: Item) -> bytes:
        told = {"event_id": f"{self._name}-{self._numbers}", "type": "receipt", "source": "test"}
        told |= {"sku": item.sku, "location": item.location, "occurred_at": "2026-03-01T10:00:00Z"}
        return json.dumps({**told, "quantity": self._draw.randint(1, 2)}).encode()

    def _environment(self, server: RedisProcess) -> dict[str, str]:
        return {
            **os.environ,
            "INVENTORY_REDIS_URL": server.url,
            "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": self._bootstrap,
            "INVENTORY_STREAM_APP_ID": self._name,
            "INVENTORY_STREAM_DATADIR": str(self._folder / "stream data"),
            "INVENTORY_STREAM_BATCH_RECORDS_MAX": "20",
            "SHOPSPHERE_LOG_LEVEL": "CRITICAL",
        }


def _written(bootstrap: str) -> int:
    """How many records the topic has."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader"})
    numbers = consumer.list_topics(STOCK_MOVEMENTS.name, timeout=10).topics[STOCK_MOVEMENTS.name].partitions
    partitions = [TopicPartition(STOCK_MOVEMENTS.name, number) for number in numbers]
    found = [consumer.get_watermark_offsets(partition, 10) for partition in partitions]
    consumer.close()
    return sum(high - low for low, high in found)
