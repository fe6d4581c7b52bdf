"""The stream door: a batch of records becomes commands, and one call of the store takes them all.

A record that is no movement goes to the dead-letter topic with its bytes before its offset is taken, so it is never
lost; a kill between the two sends it there again, with the same topic, partition and offset in its headers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaProducer
from shopsphere_kit.logging import get_logger
from shopsphere_kit.stream import Handler, PartitionsLost, Record
from shopsphere_kit.topics import STOCK_MOVEMENTS, STOCK_MOVEMENTS_DLQ

from inventory import metrics, movement
from inventory.errors import MovementRejected, OwnerFenced
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


class PartitionOwner:
    """The partitions that this worker owns, and their owner epochs, with which the store tells it from others."""

    def __init__(self, store: StockStore) -> None:
        self._store = store
        self._epochs: dict[int, int] = {}

    async def take_over(self, partitions: frozenset[int]) -> dict[int, int]:
        """Own these partitions and no others; the offset to read each from, which is the store's."""
        owned = await self._store.take_over(STOCK_MOVEMENTS.name, sorted(partitions))
        self._epochs = {partition: each.owner_epoch for partition, each in owned.items()}
        return {partition: each.next_offset for partition, each in owned.items()}

    def check(self, records: Sequence[Record]) -> None:
        """Raise PartitionsLost when one of the records is of a partition that is not owned."""
        foreign = {record.partition for record in records} - self._epochs.keys()
        if foreign:
            raise PartitionsLost(f"partitions {sorted(foreign)} are not owned here")

    async def apply(self, batch: Sequence[Positioned]) -> Tally:
        """Take a batch; raises PartitionsLost when another worker took one of its partitions over meanwhile."""
        try:
            return await self._store.apply_movements(STOCK_MOVEMENTS.name, batch, self._epochs)
        except OwnerFenced as error:
            # Until the next assignment nothing more is taken: what follows a batch that was dropped must not be.
            self._epochs = {}
            raise PartitionsLost(error.detail) from error


def create_handler(store: StockStore, dead_letters: DeadLetters, owner: PartitionOwner) -> Handler:
    """What the worker calls with each batch; it returns only when the batch is taken, or raises PartitionsLost."""

    async def handle(records: list[Record]) -> None:
        owner.check(records)
        batch = [_decode(record) for record in records]
        letters = [each for each in batch if isinstance(each, DeadLetter)]
        if letters:
            await dead_letters.send(await _not_taken(store, letters))
        _tell(await owner.apply([_positioned(each) for each in batch]))

    return handle


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
