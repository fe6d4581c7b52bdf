"""An empty Redis filled anew with every record of `stock-movements`, as the stream would, only faster.

Records come from the topic itself, which has all of them with their positions, or from the lake's copy of it, which
keeps them when the topic does not. Silver's movements would not do: they lack the positions, and so the offsets from
which the stream goes on. A record that is no movement is counted at its position and not sent to the dead letters,
which have it from the first time.
"""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from dataclasses import dataclass, fields

from shopsphere_kit.topics import STOCK_MOVEMENTS

from inventory import movement
from inventory.errors import MovementRejected, NotEmpty, TopicTruncated
from inventory.store import Positioned, SetAside, StockStore, Tally
from inventory.topic_reader import Extent

# One function call; it blocks Redis for a tenth of a second or two, in which nobody else has anything to ask.
BATCH_RECORDS = 10_000
# Calls that wait for Redis while the next records are decoded.
_AHEAD = 2

Value = tuple[int, int, bytes | None]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was taken, and how long that took."""

    tally: Tally
    seconds: float

    @property
    def records_per_second(self) -> int:
        """Records taken per second of wall time."""
        return round(self.tally.movements / self.seconds) if self.seconds else 0


async def refuse_unless_empty(store: StockStore) -> None:
    """Raise NotEmpty when the store has taken anything before."""
    is_empty = not await store.offsets(STOCK_MOVEMENTS.name)
    async for _ in store.skus():
        is_empty = False
        break
    if not is_empty:
        raise NotEmpty(
            "Redis holds stock already, and a rebuild fills only an empty one; stop the stream workers, then name an "
            "empty database in INVENTORY_REDIS_URL, or empty this one yourself (redis-cli FLUSHDB) if nothing else "
            "lives in it"
        )


def refuse_if_truncated(extent: Extent) -> None:
    """Raise TopicTruncated when the topic no longer has its first records."""
    for partition, first in sorted(extent.first.items()):
        if first > 0:
            raise TopicTruncated(
                f"partition {partition} of {STOCK_MOVEMENTS.name} begins at offset {first}: what came before is gone, "
                "and stock cannot be told without it; rebuild with --from lake, which keeps every record"
            )


async def fill(store: StockStore, values: AsyncIterable[list[Value]], tell: Progress) -> Filled:
    """Take all records, each partition's in the order of its offsets; tells the number taken after each call."""
    started = time.monotonic()
    batches: asyncio.Queue[list[Positioned] | None] = asyncio.Queue(_AHEAD)
    async with asyncio.TaskGroup() as group:
        group.create_task(_decode(values, batches))
        taken = group.create_task(_apply(store, batches, tell))
    return Filled(taken.result(), time.monotonic() - started)


async def _decode(values: AsyncIterable[list[Value]], batches: asyncio.Queue[list[Positioned] | None]) -> None:
    batch: list[Positioned] = []
    async for chunk in values:
        batch.extend(map(_positioned, chunk))
        if len(batch) >= BATCH_RECORDS:
            await batches.put(batch)
            batch = []
    if batch:
        await batches.put(batch)
    await batches.put(None)


async def _apply(store: StockStore, batches: asyncio.Queue[list[Positioned] | None], tell: Progress) -> Tally:
    total = Tally()
    while batch := await batches.get():
        total = _sum([total, await store.apply_movements(STOCK_MOVEMENTS.name, batch)])
        tell(total.movements)
    return total


def _positioned(value: Value) -> Positioned:
    partition, offset, content = value
    try:
        return Positioned(partition, offset, movement.decode(content))
    except MovementRejected as error:
        return Positioned(partition, offset, SetAside(error.reason))


def _sum(tallies: Iterable[Tally]) -> Tally:
    figures = [[getattr(each, field.name) for field in fields(Tally)] for each in tallies]
    return Tally(*map(sum, zip(*figures, strict=True)))


async def values_of(chunks: AsyncIterable[list[object]]) -> AsyncIterator[list[Value]]:
    """The positions and values of records as aiokafka gives them."""
    async for chunk in chunks:
        yield [(record.partition, record.offset, record.value) for record in chunk]  # type: ignore[attr-defined]
