"""An empty Redis filled from the topic or from the lake has the same content as the one that the stream filled."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from inventory import library, rebuilding
from inventory.content import Content, ContentHash, measure
from inventory.errors import NoRelease, NotEmpty, TopicTruncated
from inventory.holds import Hold, Line
from inventory.journal import Item
from inventory.memory_store import InMemoryStockStore
from inventory.movement import encode
from inventory.rebuilding import Value, fill
from inventory.redis_contents import RedisContents
from inventory.redis_store import RedisStockStore
from inventory.store import StockStore, Tally
from inventory.stream import InMemoryDeadLetters, create_handler
from inventory.topic_reader import Extent
from inventory_builders import (
    BREAD,
    NOON,
    SOAP,
    TOPIC,
    a_movement,
    a_reservation,
    an_owner,
    confirmation,
    once,
    stocked,
)
from inventory_lake import write_records
from inventory_redis import empty_redis, inventory_url
from redis.asyncio import Redis
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.stream import Record
from shopsphere_kit.waiting import await_until

OTHER_DATABASE = 8
HOUR = timedelta(hours=1)


async def in_chunks(values: Iterable[Value]) -> AsyncIterator[list[Value]]:
    for value in values:
        yield [value]


def in_order(*contents: bytes | None, partition: int = 0) -> list[Value]:
    return [(partition, offset, content) for offset, content in enumerate(contents)]


def a_day() -> list[Value]:
    """Receipts, sales, a duplicate, a late movement, a late count, an adjustment before it, and what is no movement."""
    receipt = encode(a_movement(10))
    bread = [a_movement(5, BREAD), a_movement(3, BREAD, kind="count", occurred_at=NOON - HOUR)]
    late = a_movement(-1, BREAD, kind="adjustment", occurred_at=NOON - 2 * HOUR)
    return [
        *in_order(receipt, receipt, encode(a_movement(-3, kind="sale")), b"{broken"),
        *in_order(*map(encode, [*bread, late]), None, partition=2),
    ]


async def stream(store: StockStore, values: Iterable[Value]) -> None:
    """Take the records as the stream worker does."""
    records = [Record(TOPIC, partition, offset, None, value, 0) for partition, offset, value in values]
    owner = await an_owner(store, *(record.partition for record in records))
    await create_handler(store, InMemoryDeadLetters(), owner)(records)


async def sell(store: StockStore) -> None:
    """A basket of both items, confirmed; another that is still held."""
    for is_paid in (True, False):
        decision = await store.reserve(a_reservation(2, SOAP, Line(BREAD, 1)), once())
        assert isinstance(decision.outcome, Hold)
        if is_paid:
            await store.confirm(confirmation(decision.outcome.reservation_id), once())


async def publish_sales(store: StockStore, values: list[Value]) -> list[Value]:
    """The topic with the sales of the outbox behind all else, taken back by the store as duplicates."""
    owed = await store.outbox(1000)
    told = [(1, offset, encode(each.movement)) for offset, each in enumerate(owed)]
    await store.sent(owed)
    await stream(store, told)
    return [*values, *told]


async def filled(client: Redis, values: AsyncIterator[list[Value]]) -> Content:
    """The content of a database that was emptied and filled from the values."""
    await client.flushdb()
    await library.load(client)
    await fill(await RedisStockStore.open(client), values, lambda _: None)
    return await measure(RedisContents(client))


async def test_a_rebuild_takes_each_record_as_the_stream_does() -> None:
    values = a_day()
    by_stream, by_rebuild = (InMemoryStockStore(ManualClock(NOON)) for _ in range(2))
    await stream(by_stream, values)
    done = list[int]()
    found = await fill(by_rebuild, in_chunks(values), done.append)
    assert found.tally == Tally(movements=8, applied=5, duplicates=1, quarantined=2)
    assert done == [8]
    assert await by_rebuild.totals() == await by_stream.totals()
    assert await by_rebuild.offsets(TOPIC) == await by_stream.offsets(TOPIC)
    for sku in (SOAP.sku, BREAD.sku):
        assert await by_rebuild.ledgers(sku) == await by_stream.ledgers(sku)


async def test_a_store_that_holds_stock_is_refused_with_the_remedy() -> None:
    store = InMemoryStockStore(ManualClock(NOON))
    await rebuilding.refuse_unless_empty(store)
    await stocked(store, 1)
    with pytest.raises(NotEmpty, match="INVENTORY_REDIS_URL"):
        await rebuilding.refuse_unless_empty(store)


def test_a_topic_that_lost_its_first_records_is_refused_with_the_remedy() -> None:
    rebuilding.refuse_if_truncated(Extent({0: 0, 1: 0}, {0: 5, 1: 0}))
    with pytest.raises(TopicTruncated, match=r"partition 1 .* begins at offset 7: .*--from lake"):
        rebuilding.refuse_if_truncated(Extent({0: 0, 1: 7}, {0: 5, 1: 9}))


def test_the_hash_of_a_set_knows_no_order_and_tells_its_members_apart() -> None:
    members = [("item", "P1", "S1", 4, ""), ("event", "E1"), ("event", "E2")]
    hashes = []
    for order in (members, members[::-1], members[:2], [*members[:2], ("event", "E3")]):
        found = ContentHash()
        for member in order:
            found.add(*member)
        hashes.append(found.hexdigest())
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


@pytest.mark.servers
async def test_a_rebuilt_redis_has_the_hash_of_the_one_before_once_its_sales_are_on_the_topic(redis_url: str) -> None:
    async with empty_redis(redis_url) as client:
        store, values = await RedisStockStore.open(client), a_day()
        await stream(store, values)
        await sell(store)
        early = await measure(RedisContents(client))
        values = await publish_sales(store, values)
        before = await measure(RedisContents(client))
        assert (early.outbox, before.outbox, early.sha256) == (2, 0, before.sha256)
        assert await filled(client, in_chunks(values)) == before
        assert (await filled(client, in_chunks(values[:-2]))).sha256 != before.sha256


@pytest.mark.servers
@pytest.mark.parametrize(
    ("tamper", "is_seen"),
    [
        (("HSET", "inv:stock:P1", "S1", "6:2:5::1"), True),
        (("HSET", "inv:stock:P1", "S1", "5:2:5:17:1"), True),
        (("SADD", "inv:events:0000", "made up"), True),
        (("HSET", "inv:stock:P1", "S1", "5:0:9::1"), False),
        (("DEL", "inv:journal:P1@S1"), False),
    ],
    ids=["on hand", "counted at", "event id", "reserved and version", "journal"],
)
async def test_the_hash_sees_what_the_topic_tells_and_nothing_else(
    redis_url: str, tamper: tuple[str, ...], is_seen: bool
) -> None:
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        await stream(store, a_day())
        await sell(store)
        before = await measure(RedisContents(client))
        assert before.units_on_hand == 5 + 7
        await client.execute_command(*tamper)  # type: ignore[no-untyped-call]
        after = await measure(RedisContents(client))
        assert (after.sha256 != before.sha256) == is_seen
        assert replace(after, sha256="", units_on_hand=0, event_ids=0) == replace(
            before, sha256="", units_on_hand=0, event_ids=0
        )


@pytest.mark.servers
async def test_a_redis_filled_from_the_lake_has_the_hash_of_the_one_before(
    redis_url: str, lake_settings: LakeSettings
) -> None:
    from inventory.lake_stock import recorded, values_of  # noqa: PLC0415 - loads Arrow

    catalog, values = open_catalog(lake_settings), a_day()
    with pytest.raises(NoRelease, match="rebuild from Kafka"):
        recorded(catalog)
    write_records(catalog, reversed(values))
    async with empty_redis(redis_url) as client:
        await stream(await RedisStockStore.open(client), values)
        before = await measure(RedisContents(client))
        assert await filled(client, values_of(recorded(catalog))) == before


# --- the verbs, on a real broker


async def told(environment: dict[str, str], *verb: str) -> tuple[int | None, Any]:
    """Exit code and the last line that a verb printed."""
    command = [sys.executable, "-m", "inventory", *verb]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return process.returncode, json.loads(output.splitlines()[-1]) if output else None


def receive(bootstrap: str, *items: Item) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for item in items:
        for value in (encode(a_movement(10, item, event_id=f"receipt-{item.sku}")), b"{broken"):
            producer.produce(TOPIC, key=f"{item.sku}@{item.location}", value=value)
    assert producer.flush(30) == 0


@pytest.mark.servers
async def test_a_redis_lost_behind_the_stream_is_rebuilt_to_the_same_hash(
    kafka_bootstrap: str, redis_url: str, tmp_path: Path
) -> None:
    name = uuid.uuid4().hex[:8]
    items = [Item(f"SOAP-{name}", "S1"), Item(f"BREAD-{name}", "S1")]
    environment = {
        **os.environ,
        "INVENTORY_REDIS_URL": inventory_url(redis_url),
        "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "INVENTORY_STREAM_APP_ID": f"inventory-{name}",
        "INVENTORY_STREAM_DATADIR": str(tmp_path / "stream"),
    }
    other = environment | {"INVENTORY_REDIS_URL": f"{redis_url.rpartition('/')[0]}/{OTHER_DATABASE}"}
    receive(kafka_bootstrap, *items)
    async with empty_redis(redis_url) as client:
        store = await RedisStockStore.open(client)
        worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "inventory", "stream", env=environment)
        try:
            await until_on_hand(store, items, 10)
            decision = await store.reserve(a_reservation(4, items[0], Line(items[1], 4)), once())
            assert isinstance(decision.outcome, Hold)
            before = await store.totals()
            await store.confirm(confirmation(decision.outcome.reservation_id), once())
            await until_duplicates(store, before.duplicates + 2)
        finally:
            worker.terminate()
            await worker.wait()
    code, streamed = await told(environment, "hash")
    assert code == 0
    async with Redis.from_url(other["INVENTORY_REDIS_URL"]) as client:
        await client.flushdb()
        code, rebuilt = await told(other, "rebuild")
        assert code == 0
        assert {name: rebuilt[name] for name in streamed} == streamed
        assert await told(other, "rebuild") == (65, None)
        await client.flushdb()


async def until_on_hand(store: StockStore, items: list[Item], units: int) -> None:
    async def is_so() -> bool:
        found = (await store.availability([item.sku for item in items])).skus
        return all(item.location in found[item.sku] for item in items) and all(
            found[item.sku][item.location].on_hand == units for item in items
        )

    await await_until(is_so, deadline_seconds=60, what=f"{units} on hand")


async def until_duplicates(store: StockStore, count: int) -> None:
    async def came_back() -> bool:
        return (await store.totals()).duplicates >= count

    await await_until(came_back, deadline_seconds=60, what="the sales as duplicates")
