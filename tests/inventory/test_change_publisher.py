"""Changes of stock on their way to Kafka, with workers and a Kafka that come and go."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from aiokafka.errors import KafkaTimeoutError
from inventory.change_publisher import LEASE, ChangePublisher
from inventory.changes import NEVER, Cursor
from inventory.errors import DataSetLost
from inventory.memory_store import InMemoryStockStore
from inventory_broker import Broker
from inventory_builders import BREAD, NOON, SOAP, a_reservation, once, stocked
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.events import InventoryChanged, decode_event
from shopsphere_kit.waiting import await_until


def a_store() -> tuple[InMemoryStockStore, ManualClock]:
    clock = ManualClock(NOON)
    return InMemoryStockStore(clock), clock


def told(broker: Broker) -> list[InventoryChanged]:
    return [decode_event(value, InventoryChanged) for _, value, _ in broker.records]


def versions(broker: Broker) -> list[tuple[str, int]]:
    return [(event.sku, event.version) for event in told(broker)]


async def begun(store: InMemoryStockStore, broker: Broker, worker: str = "one") -> ChangePublisher:
    """A worker that has told the items of before."""
    publisher = ChangePublisher(store, broker.connect, worker)
    await publisher.publish_once()
    return publisher


async def test_a_change_reaches_the_topic_with_its_figures() -> None:
    (store, _), broker = a_store(), Broker()
    publisher = await begun(store, broker)
    await stocked(store, 10)
    await store.reserve(a_reservation(10), once())
    assert await publisher.publish_once() == 2
    assert {(topic, key) for topic, _, key in broker.records} == {("inventory-changes", b"P1@S1")}
    assert told(broker)[1] == InventoryChanged(
        event_id="change:1-2",
        occurred_at=NOON,
        source="inventory",
        sequence=2,
        sku="P1",
        location="S1",
        bucket="on_hand",
        quantity=10,
        reserved=10,
        version=2,
        epoch=1,
        kind="reserved",
        is_low=True,
    )
    assert await publisher.publish_once() == 0


async def test_what_was_not_acknowledged_is_sent_again() -> None:
    (store, _), broker = a_store(), Broker()
    publisher = await begun(store, broker)
    for _ in range(3):
        await stocked(store, 1)
    broker.patience = 1
    with pytest.raises(KafkaTimeoutError):
        await publisher.publish_once()
    broker.patience = 1000
    await publisher.publish_once()
    assert versions(broker) == [("P1", 1), ("P1", 1), ("P1", 2), ("P1", 3)]


async def test_one_of_several_workers_sends() -> None:
    (store, _), broker = a_store(), Broker()
    one = await begun(store, broker, "one")
    other = await begun(store, broker, "other")
    for number in range(6):
        await stocked(store, 1)
        await (one, other)[number % 2].publish_once()
    await one.publish_once()
    assert versions(broker) == [("P1", version) for version in range(1, 7)]


async def test_another_worker_goes_on_where_one_that_died_stopped() -> None:
    (store, clock), broker = a_store(), Broker()
    one = await begun(store, broker, "one")
    await stocked(store, 1)
    await one.publish_once()
    await stocked(store, 1)
    other = ChangePublisher(store, broker.connect, "other")
    assert await other.publish_once() == 0
    clock.advance(LEASE)
    assert await other.publish_once() == 1
    assert versions(broker) == [("P1", 1), ("P1", 2)]


async def test_a_worker_that_comes_back_under_its_name_need_not_wait() -> None:
    (store, _), broker = a_store(), Broker()
    await begun(store, broker, "one")
    await stocked(store, 1)
    assert await ChangePublisher(store, broker.connect, "one").publish_once() == 1


async def test_a_worker_that_slept_through_its_lease_moves_no_cursor() -> None:
    (store, clock), broker = a_store(), Broker()
    one = await begun(store, broker, "one")
    await stocked(store, 1)

    class Sleeping(Broker):
        async def connect(self):  # type: ignore[no-untyped-def]
            clock.advance(LEASE)
            await stocked(store, 1)
            await begun(store, broker, "other")
            return await broker.connect()

    sleeper = ChangePublisher(store, Sleeping().connect, "one")
    await sleeper.publish_once()
    assert versions(broker) == [("P1", 1), ("P1", 2), ("P1", 1)]
    await stocked(store, 1)
    assert await one.publish_once() == 0
    clock.advance(LEASE)
    assert await one.publish_once() == 1
    assert versions(broker)[-1] == ("P1", 3)


async def test_every_item_is_told_anew_when_its_changes_are_not_kept() -> None:
    (store, _), broker = a_store(), Broker()
    await stocked(store, 10)
    await stocked(store, 4, BREAD)
    await store.reserve(a_reservation(2), once())
    store.trim_changes()
    publisher = ChangePublisher(store, broker.connect, "one")
    assert await publisher.publish_once() == 2
    assert {(each.sku, each.quantity, each.reserved, each.version, each.kind) for each in told(broker)} == {
        (SOAP.sku, 10, 2, 2, "told_anew"),
        (BREAD.sku, 4, 0, 1, "told_anew"),
    }
    assert await publisher.publish_once() == 0
    await stocked(store, 1)
    assert await publisher.publish_once() == 1
    assert versions(broker)[-1] == ("P1", 3)


async def test_telling_anew_begins_again_when_kafka_fails_within_it() -> None:
    (store, _), broker = a_store(), Broker(patience=1)
    await stocked(store, 10)
    await stocked(store, 4, BREAD)
    publisher = ChangePublisher(store, broker.connect, "one")
    with pytest.raises(KafkaTimeoutError):
        await publisher.publish_once()
    assert await store.lead_changes("one", LEASE) == NEVER
    broker.patience = 1000
    await publisher.publish_once()
    assert set(versions(broker)) == {("P1", 1), ("P2", 1)}
    assert await store.lead_changes("one", LEASE) == Cursor(1, 2)


async def test_changes_of_another_data_set_end_the_publisher() -> None:
    (store, _), broker = a_store(), Broker()
    publisher = await begun(store, broker)
    store.fence.lose_data_set()
    with pytest.raises(DataSetLost, match="restart"):
        await publisher.run()


async def test_workers_at_once_send_everything_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopsphere_kit.outbox.IDLE_SECONDS", 0.001)
    (store, clock), broker = a_store(), Broker()
    async with AsyncExitStack() as workers:
        for name in ("one", "two", "three"):
            task = asyncio.create_task(ChangePublisher(store, broker.connect, name).run())
            workers.callback(task.cancel)
        for _ in range(30):
            await stocked(store, 1)
            clock.advance(timedelta(seconds=1))
            await asyncio.sleep(0)

        async def has_all() -> bool:
            clock.advance(timedelta(seconds=1))
            return bool(broker.records) and versions(broker)[-1] == ("P1", 30)

        await await_until(has_all, deadline_seconds=10, what="the last change")
    seen = [version for _, version in versions(broker)]
    assert seen == sorted(set(seen))
