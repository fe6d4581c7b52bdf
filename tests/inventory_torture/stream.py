"""A Kafka of a simulation: partitions, a group whose members come and go, and a producer that is not always heard."""

from collections.abc import Sequence
from random import Random

from aiokafka.errors import KafkaTimeoutError
from inventory.stream import DeadLetter
from inventory_builders import TOPIC
from inventory_torture.turns import Turn
from shopsphere_kit.outbox import Message
from shopsphere_kit.stream import Record

PARTITIONS = 3


class SimulatedTopic:
    """Records by partition; the key decides the partition."""

    def __init__(self, draw: Random) -> None:
        self._draw = draw
        self.partitions: list[list[bytes | None]] = [[] for _ in range(PARTITIONS)]
        self.lost_answers = 0.0

    def append(self, key: bytes, value: bytes | None) -> None:
        """Write one record."""
        self.partitions[sum(key) % PARTITIONS].append(value)

    def read(self, partition: int, offset: int, most: int) -> list[Record]:
        """The records from an offset on."""
        values = self.partitions[partition][offset : offset + most]
        return [Record(TOPIC, partition, offset + step, b"", value, 0) for step, value in enumerate(values)]

    def ends(self) -> dict[int, int]:
        """The offset that each partition will give next."""
        return {partition: len(values) for partition, values in enumerate(self.partitions)}

    async def send(self, messages: Sequence[Message]) -> None:
        """As a producer does that waits for all acknowledgements; some may never come, for what was written too."""
        await Turn()
        for message in messages:
            is_lost = self._draw.random() < self.lost_answers
            if is_lost and self._draw.random() < 0.5:
                raise KafkaTimeoutError("not written")
            self.append(message.key, message.value)
            if is_lost:
                raise KafkaTimeoutError("written, not acknowledged")
        await Turn()

    async def disconnect(self) -> None:
        """Nothing to let go of."""


class SimulatedDeadLetters:
    """The dead-letter topic: the positions that it has, and the bytes."""

    def __init__(self, topic: SimulatedTopic, draw: Random) -> None:
        self._topic, self._draw = topic, draw
        self.letters: set[tuple[int, int, bytes | None]] = set()

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """May fail before or after."""
        await Turn()
        is_lost = self._draw.random() < self._topic.lost_answers
        if is_lost and self._draw.random() < 0.5:
            raise KafkaTimeoutError("not written")
        self.letters.update((each.record.partition, each.record.offset, each.record.value) for each in letters)
        await Turn()
        if is_lost:
            raise KafkaTimeoutError("written, not acknowledged")


class Group:
    """A consumer group: which member has which partitions in the present generation, and what was committed."""

    def __init__(self, members: Sequence[str], draw: Random) -> None:
        self._members, self._draw = members, draw
        self.generation = 0
        self.committed = dict.fromkeys(range(PARTITIONS), 0)
        self._assigned: dict[str, frozenset[int]] = {}
        self.rebalance()

    def rebalance(self, without: str = "") -> None:
        """A new generation; a member that does not answer gets nothing."""
        present = [each for each in self._members if each != without]
        owners = {partition: self._draw.choice(present) for partition in range(PARTITIONS)}
        self._assigned = {
            member: frozenset(partition for partition, owner in owners.items() if owner == member)
            for member in self._members
        }
        self.generation += 1

    def of(self, member: str) -> frozenset[int]:
        """The partitions of a member."""
        return self._assigned[member]

    def commit(self, partition: int, offset: int) -> None:
        """A hint: it may fail, or set the group back."""
        if self._draw.random() < 0.7:
            self.committed[partition] = offset if self._draw.random() < 0.8 else self._draw.randrange(offset + 1)
