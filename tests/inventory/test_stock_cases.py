"""The cases that Redis and the lake share, through the stream door: on the model and on the functions in Redis."""

import json

import pytest
from inventory.journal import Bucket, Item
from inventory.memory_store import InMemoryStockStore
from inventory.redis_store import RedisStockStore
from inventory.store import StockStore
from inventory.stream import InMemoryDeadLetters, create_handler
from inventory_builders import NOON, TOPIC, an_owner
from inventory_redis import empty_redis
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.stream import Record
from stock_cases import STOCK_CASES, StockCase


async def come_out_as_the_case_says(case: StockCase, store: StockStore) -> None:
    letters = InMemoryDeadLetters()
    values = [json.dumps(movement).encode() for movement in case.movements]
    await create_handler(store, letters, await an_owner(store))(
        [Record(TOPIC, 0, offset, b"key", value, 0) for offset, value in enumerate(values)]
    )
    kept = {ledger.item: ledger.balance.on_hand async for sku in store.skus() for ledger in await store.ledgers(sku)}
    for_sale = {item: units for item, units in kept.items() if item.bucket is Bucket.ON_HAND}
    assert for_sale == {Item(*key): units for key, units in case.on_hand.items()}
    rejected = [json.loads(letter.record.value or b"")["event_id"] for letter in letters.letters]
    assert tuple(rejected) == case.rejected


@pytest.mark.parametrize("case", STOCK_CASES, ids=lambda case: case.name)
async def test_the_model_keeps_the_one_rule_of_stock(case: StockCase) -> None:
    await come_out_as_the_case_says(case, InMemoryStockStore(ManualClock(NOON)))


@pytest.mark.servers
async def test_the_functions_in_redis_keep_the_one_rule_of_stock(redis_url: str) -> None:
    for case in STOCK_CASES:
        async with empty_redis(redis_url) as client:
            await come_out_as_the_case_says(case, await RedisStockStore.open(client))
