"""A topic read once, from its beginning to where it ended when the reading began; no group, no commits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from inventory.errors import TopicMissing

# So many are handed over at a time; whoever works beside gets a turn after each.
CHUNK_RECORDS = 1_000
_POLL_MILLISECONDS = 500
# Polls in a row that bring nothing: a minute, longer than any restart of a broker.
_EMPTY_POLLS_MAX = 120


@dataclass(frozen=True, slots=True)
class Extent:
    """The first offset and the one after the last of each partition."""

    first: dict[int, int]
    end: dict[int, int]

    @property
    def records(self) -> int:
        """How many records there are at most: compaction and transactions leave gaps."""
        return sum(end - self.first[partition] for partition, end in self.end.items())


class TopicReader:
    """Reads one topic through a consumer without a group that resets to the earliest offset."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self.topic = topic

    async def extent(self) -> Extent:
        """What the topic holds now."""
        partitions = [TopicPartition(self.topic, each) for each in await self._partitions()]
        first = await self._consumer.beginning_offsets(partitions)
        end = await self._consumer.end_offsets(partitions)
        return Extent({each.partition: first[each] for each in partitions}, {each.partition: end[each] for each in end})

    async def chunks(self, extent: Extent) -> AsyncIterator[list[Any]]:
        """The records of the extent as aiokafka gives them, each partition in its order, never an empty list."""
        left = {TopicPartition(self.topic, each): end for each, end in extent.end.items() if end > extent.first[each]}
        self._consumer.assign(list(left))
        for partition in left:
            self._consumer.seek(partition, extent.first[partition.partition])
        empty = 0
        while left:
            found = await self._consumer.getmany(timeout_ms=_POLL_MILLISECONDS, max_records=CHUNK_RECORDS)
            for partition, records in found.items():
                if wanted := [record for record in records if record.offset < extent.end[partition.partition]]:
                    yield wanted
            await self._forget_finished(left)
            empty = 0 if found else empty + 1
            if left and empty == _EMPTY_POLLS_MAX:
                raise TimeoutError(f"Kafka sends no more of {self.topic}, of which {len(left)} partitions are not read")
            await asyncio.sleep(0)

    async def _forget_finished(self, left: dict[TopicPartition, int]) -> None:
        for partition, end in list(left.items()):
            if await self._consumer.position(partition) >= end:
                del left[partition]
                self._consumer.pause(partition)

    async def _partitions(self) -> list[int]:
        if self.topic not in await self._consumer.topics():
            raise TopicMissing(f"Kafka has no topic {self.topic}; make it, or name the right broker")
        # The consumer learns of a topic's partitions once it has one of them and was answered about it.
        one = TopicPartition(self.topic, 0)
        self._consumer.assign([one])
        await self._consumer.end_offsets([one])
        return sorted(self._consumer.partitions_for_topic(self.topic))
