"""Decisions reach Kafka at least once, whatever was away in between."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest
from aiokafka.errors import KafkaConnectionError
from fraud import publisher as publishing
from fraud.publisher import Publisher
from fraud.store import InMemoryVelocityStore, ScoreOrder
from fraud_builders import NOON, an_order
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.waiting import await_until


class Topic:
    """Stands for Kafka: takes records, or refuses for a while."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []
        self.away = False
        self.stopped = False

    async def send(self, topic: str, value: bytes, key: bytes) -> Awaitable[object]:
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.away:
            done.set_exception(KafkaConnectionError("away"))
        else:
            self.records.append((topic, value, key))
            done.set_result(None)
        return done

    async def stop(self) -> None:
        self.stopped = True

    async def connect(self) -> "Topic":
        if self.away:
            raise KafkaConnectionError("away")
        return self


async def decided(*events: bytes) -> InMemoryVelocityStore:
    store = InMemoryVelocityStore(ManualClock(NOON), timedelta(days=90))
    for event in events:
        request = ScoreOrder(event.decode(), "digest", an_order(order_id=event.decode()))
        await store.close(request, b"answer", event)
    return store


async def test_what_waits_in_the_outbox_is_sent_once_with_the_order_as_key() -> None:
    topic, store = Topic(), await decided(b"one", b"two")
    publisher = Publisher(store, topic.connect)
    assert [await publisher.publish_once(), await publisher.publish_once()] == [2, 0]
    assert topic.records == [("fraud-decisions", b"one", b"one"), ("fraud-decisions", b"two", b"two")]
    await publisher.stop()
    assert topic.stopped


async def test_nothing_leaves_the_outbox_before_kafka_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopsphere_kit.outbox.RETRY_SECONDS", 0.01)
    topic, store = Topic(), await decided(b"one")
    topic.away = True
    publisher = Publisher(store, topic.connect)
    publisher.keep_aside("two", b"two")
    with pytest.raises(KafkaConnectionError):
        await publisher.publish_once()
    assert len(await store.outbox(10)) == 1
    running = asyncio.create_task(publisher.run())
    topic.away = False

    async def all_sent() -> bool:
        return len(topic.records) == 2

    await await_until(all_sent, deadline_seconds=5, what="both decisions")
    running.cancel()
    assert [value for _, value, _ in topic.records] == [b"two", b"one"]


async def test_an_acknowledgement_that_fails_keeps_the_decision() -> None:
    topic, store = Topic(), await decided(b"one")
    publisher = Publisher(store, topic.connect)
    publisher._sender._producer = topic
    topic.away = True
    with pytest.raises(KafkaConnectionError):
        await publisher.publish_once()
    assert len(await store.outbox(10)) == 1


async def test_too_many_held_decisions_drop_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "ASIDE_MAX", 2)
    topic = Topic()
    publisher = Publisher(await decided(), topic.connect)
    for name in ("one", "two", "three"):
        publisher.keep_aside(name, name.encode())
    await publisher.publish_once()
    assert [value for _, value, _ in topic.records] == [b"two", b"three"]
