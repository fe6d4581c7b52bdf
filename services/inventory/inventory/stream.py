"""The stream door: a batch of records becomes commands, and one call of the store takes them all.

A record that is no movement goes to the dead-letter topic with its bytes before its offset is taken, so it is never
lost; a kill between the two sends it there again, with the same topic, partition and offset in its headers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from shopsphere_kit.logging import get_logger
from shopsphere_kit.stream import Handler, Record
from shopsphere_kit.topics import STOCK_MOVEMENTS, STOCK_MOVEMENTS_DLQ

from inventory import metrics, movement
from inventory.errors import MovementRejected
from inventory.store import Positioned, SetAside, StockStore, Tally

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record as it came, and why it was set aside."""

    record: Record
    reason: str
    detail: str


class DeadLetters(Protocol):
    """Where records go that are no movements."""

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when all of them are on disk."""
        ...


class KafkaDeadLetters:
    """The dead-letter topic: original key and value; reason and position in the headers."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Produce all and wait for the broker's acknowledgements."""
        pending = [
            await self._producer.send(
                STOCK_MOVEMENTS_DLQ.name, key=letter.record.key, value=letter.record.value, headers=_headers(letter)
            )
            for letter in letters
        ]
        for acknowledgement in pending:
            await acknowledgement


class InMemoryDeadLetters:
    """The same in a list."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Keep them."""
        self.letters.extend(letters)


def create_handler(store: StockStore, dead_letters: DeadLetters) -> Handler:
    """What the worker calls with each batch; it returns only when the batch is taken."""

    async def handle(records: list[Record]) -> None:
        batch = [_decode(record) for record in records]
        letters = [each for each in batch if isinstance(each, DeadLetter)]
        if letters:
            await dead_letters.send(await _not_taken(store, letters))
        tally = await store.apply_movements(STOCK_MOVEMENTS.name, [_positioned(each) for each in batch])
        _tell(tally)

    return handle


async def rewind_to_store(consumer: AIOKafkaConsumer, partitions: Iterable[int], store: StockStore) -> dict[int, int]:
    """Set the group's offsets back where they are ahead of the store's; tells the partitions set back and to where.

    They are ahead when Redis was emptied or went back to an older copy: what the group calls done is then missing.
    The consumer is of the worker's group, without a subscription; committing needs the group to have no live member.
    """
    assigned = [TopicPartition(STOCK_MOVEMENTS.name, partition) for partition in sorted(partitions)]
    consumer.assign(assigned)
    taken = await store.offsets(STOCK_MOVEMENTS.name)
    resume = {each: taken.get(each.partition, -1) + 1 for each in assigned}
    ahead = {each: resume[each] for each in assigned if (await consumer.committed(each) or 0) > resume[each]}
    if ahead:
        await consumer.commit(ahead)
        _log.warning("the group was ahead of the store; set back", partitions=sorted(p.partition for p in ahead))
    return {each.partition: offset for each, offset in ahead.items()}


def _decode(record: Record) -> "DeadLetter | Positioned":
    try:
        return Positioned(record.partition, record.offset, movement.decode(record.value))
    except MovementRejected as error:
        detail = f"{error.field}: {error.detail}" if error.field else error.detail
        return DeadLetter(record, error.reason, detail)


def _positioned(decoded: "DeadLetter | Positioned") -> Positioned:
    if isinstance(decoded, Positioned):
        return decoded
    return Positioned(decoded.record.partition, decoded.record.offset, SetAside(decoded.reason))


async def _not_taken(store: StockStore, letters: list[DeadLetter]) -> list[DeadLetter]:
    offsets = await store.offsets(STOCK_MOVEMENTS.name)
    return [each for each in letters if each.record.offset > offsets.get(each.record.partition, -1)]


def _headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    record = letter.record
    told = {
        "reason": letter.reason,
        "detail": letter.detail,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
    return [(name, value.encode()) for name, value in told.items()]


def _tell(tally: Tally) -> None:
    for outcome in ("applied", "duplicates", "quarantined", "skipped", "gaps"):
        metrics.MOVEMENTS.labels(outcome).inc(getattr(tally, outcome))
    if tally.gaps:
        _log.error("offsets do not follow the last ones taken; records may be missing", gaps=tally.gaps)
