"""Sales on their way from the outbox to Kafka, with a Kafka that comes and goes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiokafka.errors import KafkaTimeoutError
from inventory import movement
from inventory.errors import DataSetLost
from inventory.holds import Hold
from inventory.memory_store import InMemoryStockStore
from inventory.publisher import MovementPublisher
from inventory_broker import Broker
from inventory_builders import NOON, a_reservation, confirmation, once, stocked
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.waiting import await_until


async def a_store_with_sales(count: int) -> InMemoryStockStore:
    store = InMemoryStockStore(ManualClock(NOON))
    await stocked(store, 100)
    for _ in range(count):
        await sell(store)
    return store


async def sell(store: InMemoryStockStore) -> None:
    decision = await store.reserve(a_reservation(2), once())
    assert isinstance(decision.outcome, Hold)
    decision = await store.confirm(confirmation(decision.outcome.reservation_id), once())
    assert isinstance(decision.outcome, Hold)


@asynccontextmanager
async def running(publisher: MovementPublisher) -> AsyncIterator[None]:
    task = asyncio.create_task(publisher.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_sale_reaches_the_topic_as_a_movement_that_consumers_accept() -> None:
    store, broker = await a_store_with_sales(1), Broker()
    sale = (await store.outbox(1))[0].movement
    assert await MovementPublisher(store, broker.connect).publish_once() == 1
    topic, value, key = broker.records[0]
    assert (topic, key) == ("stock-movements", b"P1@S1")
    assert movement.decode(value) == sale
    assert json.loads(value)["source"] == "inventory"
    assert await store.outbox(10) == []


async def test_what_was_not_acknowledged_stays_in_the_outbox() -> None:
    store, broker = await a_store_with_sales(2), Broker(patience=1)
    with pytest.raises(KafkaTimeoutError):
        await MovementPublisher(store, broker.connect).publish_once()
    assert len(await store.outbox(10)) == 2


async def test_sales_go_on_while_kafka_is_away_and_are_told_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopsphere_kit.outbox.RETRY_SECONDS", 0.01)
    store, broker = await a_store_with_sales(1), Broker()
    async with running(MovementPublisher(store, broker.connect)):

        async def is_drained() -> bool:
            return await store.outbox(10) == []

        await await_until(is_drained, deadline_seconds=5, what="the first sale")
        broker.is_away = True
        for _ in range(3):
            await sell(store)
        assert len(await store.outbox(10)) == 3
        broker.is_away = False
        await await_until(is_drained, deadline_seconds=5, what="the other sales")
    told = [movement.decode(value).event_id for _, value, _ in broker.records]
    assert len(set(told)) == 4
    balance = (await store.availability(["P1"])).skus["P1"]["S1"]
    assert balance.on_hand == 100 - 4 * 2


async def test_a_failed_producer_is_replaced_by_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopsphere_kit.outbox.RETRY_SECONDS", 0.01)
    store, broker = await a_store_with_sales(1), Broker(patience=0)
    async with running(MovementPublisher(store, broker.connect)):

        async def has_tried_again() -> bool:
            return broker.connections > 1

        await await_until(has_tried_again, deadline_seconds=5, what="a second connection")


async def test_an_outbox_of_another_data_set_ends_the_publisher() -> None:
    store = await a_store_with_sales(1)
    broker = Broker()
    publisher = MovementPublisher(store, broker.connect)
    store.fence.lose_data_set()
    with pytest.raises(DataSetLost, match="restart"):
        await publisher.run()
    assert broker.records == []
