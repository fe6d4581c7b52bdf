"""A topic is read up to where it ended when the reading began, and a broker that stops sending is noticed."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from aiokafka import TopicPartition
from inventory.errors import TopicMissing
from inventory.topic_reader import Extent, TopicReader


@dataclass
class Stored:
    partition: int
    offset: int


class Consumer:
    """A consumer of a topic with these offsets, one record a poll; with `sends` it falls silent after so many."""

    def __init__(self, offsets: dict[int, list[int]], sends: int = 1_000) -> None:
        self._left = {TopicPartition("t", each): list(found) for each, found in offsets.items()}
        self._at: dict[TopicPartition, int] = {}
        self._sends = sends

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self._at = dict.fromkeys(partitions, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._at[partition] = offset

    def pause(self, partition: TopicPartition) -> None:
        del self._at[partition]

    async def topics(self) -> set[str]:
        return {"t"}

    async def position(self, partition: TopicPartition) -> int:
        return self._at[partition]

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Stored]]:
        for partition in self._at:
            if self._left[partition] and self._sends:
                self._sends -= 1
                offset = self._left[partition].pop(0)
                self._at[partition] = offset + 1
                return {partition: [Stored(partition.partition, offset)]}
        return {}


async def read(consumer: Consumer, extent: Extent) -> list[tuple[int, int]]:
    chunks = [chunk async for chunk in TopicReader(consumer, "t").chunks(extent)]
    return [(record.partition, record.offset) for chunk in chunks for record in chunk]


async def test_what_came_after_the_reading_began_is_left_out() -> None:
    consumer = Consumer({0: [0, 1, 2, 3], 1: [5, 6], 2: []})
    extent = Extent({0: 0, 1: 5, 2: 4}, {0: 2, 1: 7, 2: 4})
    assert await read(consumer, extent) == [(0, 0), (0, 1), (1, 5), (1, 6)]
    assert extent.records == 4


async def test_an_empty_topic_ends_at_once() -> None:
    assert await read(Consumer({0: []}), Extent({0: 0}, {0: 0})) == []


async def test_a_gap_at_the_end_of_a_partition_is_no_missing_record() -> None:
    assert await read(Consumer({0: [0, 3]}), Extent({0: 0}, {0: 3})) == [(0, 0)]


async def test_a_broker_that_stops_sending_is_noticed() -> None:
    with pytest.raises(TimeoutError, match="no more of t, of which 1 partitions"):
        await read(Consumer({0: [0, 1, 2]}, sends=1), Extent({0: 0}, {0: 3}))


async def test_a_topic_that_kafka_does_not_know_is_refused() -> None:
    with pytest.raises(TopicMissing, match="no topic elsewhere"):
        await TopicReader(Consumer({}), "elsewhere").extent()
