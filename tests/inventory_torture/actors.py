"""Who works in a simulation: tills and warehouses, stream workers, the publisher of our sales."""

from datetime import datetime, timedelta
from itertools import count
from random import Random

from aiokafka.errors import KafkaError
from inventory.journal import Bucket, Item, MovementType
from inventory.movement import encode
from inventory.publisher import MovementPublisher
from inventory.stock import ApplyMovement
from inventory.stream import PartitionOwner, create_handler
from inventory_torture.server import Connection, SimulatedRedis
from inventory_torture.stream import Group, SimulatedDeadLetters, SimulatedTopic
from inventory_torture.turns import Turn
from shopsphere_kit.clock import Clock
from shopsphere_kit.outbox import Sender
from shopsphere_kit.stream import PartitionsLost

SKUS = ("P1", "P2")
ITEMS = tuple(Item(sku, location) for sku in SKUS for location in ("S1", "S2"))
SHELVES = (*ITEMS, Item("P1", "S1", Bucket.DAMAGED))
POISON = (None, b"", b"{broken", b"[]", b"\xff\xfe", b'{"event_id": "E1"}')
BATCH_MAX = 6


class Till:
    """Writes movements to the topic: late, twice, dated by a clock of its own, and at times what is no movement."""

    def __init__(self, name: str, topic: SimulatedTopic, clock: Clock, draw: Random) -> None:
        self._name, self._topic, self._clock, self._draw = name, topic, clock, draw
        self._ahead = timedelta(minutes=draw.choice((0, 0, -60, 60)))
        self._told: list[tuple[bytes, bytes | None]] = []
        self._numbers = count()

    async def run(self) -> None:
        """One record after the other; now and then the last few once more."""
        while True:
            if self._told and self._draw.random() < 0.1:
                for key, value in self._told[-self._draw.randrange(1, 5) :]:
                    self._topic.append(key, value)
            else:
                self._tell()
            await Turn()

    def _tell(self) -> None:
        item = self._draw.choice(SHELVES)
        is_poison = self._draw.random() < 0.04
        value = self._draw.choice(POISON) if is_poison else encode(self._movement(item))
        key = f"{item.sku}@{item.location}".encode()
        self._told.append((key, value))
        self._topic.append(key, value)

    def _movement(self, item: Item) -> ApplyMovement:
        kind, least, most = self._draw.choice(_KINDS)
        quantity = self._draw.randint(least, most)
        return ApplyMovement(f"{self._name}-{next(self._numbers)}", kind, item, quantity, self._occurred_at())

    def _occurred_at(self) -> datetime:
        late = timedelta(seconds=self._draw.choice((0, 0, 0, 5, 600, 7200)))
        return self._clock.now() + self._ahead - late


_KINDS = (
    *[(MovementType.RECEIPT, 0, 9)] * 4,
    *[(MovementType.SALE, -2, 0)] * 2,
    (MovementType.RETURN, 0, 2),
    (MovementType.TRANSFER, -2, 3),
    (MovementType.ADJUSTMENT, -3, 3),
    (MovementType.COUNT, 0, 12),
)


class Worker:
    """A stream worker as Faust runs it: asks the store where to read on, and joins anew when it is told it lost."""

    def __init__(
        self, name: str, server: SimulatedRedis, topic: SimulatedTopic, letters: SimulatedDeadLetters, group: Group
    ) -> None:
        self._name, self._server, self._topic, self._letters, self._group = name, server, topic, letters, group

    async def run(self) -> None:
        """Until the store or Kafka fails; its supervisor starts it again."""
        store = Connection(self._server)
        owner = PartitionOwner(store)  # type: ignore[arg-type]  # a worker needs no more of a store than this
        handle = create_handler(store, self._letters, owner)  # type: ignore[arg-type]
        while True:
            generation, mine = self._group.generation, self._group.of(self._name)
            positions = dict(self._group.committed) | await owner.take_over(mine)
            positions = {partition: positions[partition] for partition in mine}
            batches_left = None
            while generation == self._group.generation and batches_left != 0:
                records = [each for at in positions for each in self._topic.read(at, positions[at], BATCH_MAX)]
                if not records:
                    await Turn()
                    continue
                try:
                    await handle(records)
                    if self._server.draw.random() < 0.05:
                        await handle(records)
                except PartitionsLost:
                    # Until the group has let it join anew it is given what it had fetched, and drops all of it.
                    batches_left = self._server.draw.randrange(4) if batches_left is None else batches_left - 1
                for record in records:
                    positions[record.partition] = record.offset + 1
                for partition, offset in positions.items():
                    self._group.commit(partition, offset)


async def publish(server: SimulatedRedis, topic: SimulatedTopic) -> None:
    """Send what the outbox has, again and again."""
    publisher = MovementPublisher(Connection(server), _never)  # type: ignore[arg-type]
    sender: Sender = topic  # type: ignore[assignment]  # it does what a Sender does
    publisher._sender = sender
    while True:
        try:
            await publisher.publish_once()
        except KafkaError:
            await sender.disconnect()
        await Turn()


async def _never() -> None:
    raise AssertionError("the topic of a simulation is its own sender")
