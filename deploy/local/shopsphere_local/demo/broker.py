"""What the broker holds, asked from outside: records on a topic, and how far a group has come."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, TopicPartition

_ANSWER_SECONDS = 30.0


def topic_records(bootstrap: str, topic: str) -> int:
    """How many records a topic holds, by its partitions' first and last offsets."""
    with _observer(bootstrap, "shopsphere-demo-report") as consumer:
        return sum(last - first for first, last in _bounds(consumer, topic).values())


def lag(bootstrap: str, group: str, topic: str) -> int:
    """Records of the topic that the group has not acknowledged yet."""
    with _observer(bootstrap, group) as consumer:
        bounds = _bounds(consumer, topic)
        partitions = [TopicPartition(topic, number) for number in bounds]
        done = {each.partition: each.offset for each in consumer.committed(partitions, timeout=_ANSWER_SECONDS)}
    return sum(last - max(done[number], first) for number, (first, last) in bounds.items())


@contextmanager
def _observer(bootstrap: str, group: str) -> Iterator[Consumer]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        yield consumer
    finally:
        consumer.close()


def _bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    numbers = consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic].partitions
    return {
        number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_ANSWER_SECONDS)
        for number in numbers
    }
