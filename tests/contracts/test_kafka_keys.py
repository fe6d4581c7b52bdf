"""What the platform itself writes to its topics is what ingest takes for good: its envelopes and its keys."""

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

from fraud.decisions import OrderScored, encode_event
from fraud.publisher import Publisher
from fraud.store import InMemoryVelocityStore, ScoreOrder
from fraud_builders import NOON, an_order
from ingest.envelope import Envelope, Fault
from inventory.change_publisher import ChangePublisher
from inventory.holds import Hold
from inventory.memory_store import InMemoryStockStore
from inventory.publisher import MovementPublisher
from inventory_builders import a_reservation, confirmation, once, stocked
from shopsphere_kit import topics
from shopsphere_kit.clock import ManualClock
from shopsphere_local.journey.behaviour import Behaviour, Step
from shopsphere_local.journey.fraud import Label
from shopsphere_local.journey.messages import Message, behaviour_messages, label_message, movement_messages
from shopsphere_local.journey.stock import Movement, Shelf

MOMENT = datetime(2017, 1, 1, 9, tzinfo=UTC)


class Broker:
    """Keeps what a publisher sends."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []

    async def connect(self) -> "Broker":
        return self

    async def send(self, topic: str, value: bytes, key: bytes) -> Awaitable[object]:
        async def acknowledge() -> None:
            self.records.append((topic, value, key))

        return acknowledge()

    async def stop(self) -> None:
        pass


def faults(topic: str, key: bytes, value: bytes) -> dict[int, Fault]:
    assert Envelope(topic).faults([b"another key"], [value])[0].reason == "key_wrong"
    return Envelope(topic).faults([key], [value])


def of_the_journey(message: Message) -> tuple[str, dict[int, Fault]]:
    return message.topic, faults(message.topic, message.key, message.value)


def test_the_records_of_the_journey_are_good() -> None:
    movement = Movement("sale", MOMENT, "pos", Shelf("P1", "S1"), -2, "17", ("sale", 17))
    behaviour = Behaviour(Step("page_viewed", "P1"), MOMENT, "s0017", 4, 0)
    written = [*movement_messages(0, [movement]), *behaviour_messages(0, [behaviour])]
    written.append(label_message(Label("MP-17", is_fraud=True, known_at=MOMENT)))
    assert [of_the_journey(message) for message in written] == [
        (topics.STOCK_MOVEMENTS.name, {}),
        (topics.EVENTS.name, {}),
        (topics.FRAUD_LABELS.name, {}),
    ]


async def test_the_sales_of_inventory_are_good() -> None:
    store, broker = InMemoryStockStore(ManualClock(NOON)), Broker()
    await stocked(store, 100)
    held = (await store.reserve(a_reservation(2), once())).outcome
    assert isinstance(held, Hold)
    await store.confirm(confirmation(held.reservation_id), once())
    assert await MovementPublisher(store, broker.connect).publish_once() == 1
    ((topic, value, key),) = broker.records
    assert (topic, faults(topic, key, value)) == (topics.STOCK_MOVEMENTS.name, {})


async def test_the_changes_of_inventory_are_good() -> None:
    store, broker = InMemoryStockStore(ManualClock(NOON)), Broker()
    publisher = ChangePublisher(store, broker.connect, "worker")
    await stocked(store, 100)
    assert await publisher.publish_once() == 1
    await stocked(store, 100)
    assert await publisher.publish_once() == 1
    assert [(topic, faults(topic, key, value)) for topic, value, key in broker.records] == [
        (topics.INVENTORY_CHANGES.name, {}),
        (topics.INVENTORY_CHANGES.name, {}),
    ]


async def test_the_decisions_of_fraud_are_good() -> None:
    store, broker, order = InMemoryVelocityStore(ManualClock(NOON), timedelta(days=90)), Broker(), an_order()
    answer = OrderScored(order.order_id, "allow", None, None, (), "none", NOON)
    await store.close(ScoreOrder("key", "digest", order), b"answer", encode_event(answer, order, "key"))
    assert await Publisher(store, broker.connect).publish_once() == 1
    ((topic, value, key),) = broker.records
    assert (topic, faults(topic, key, value)) == (topics.FRAUD_DECISIONS.name, {})
