"""How far a topic's table is behind the topic, in records and in time."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaException, Message, TopicPartition

from ingest.errors import SourceUnavailable
from ingest.sources.kafka import METADATA_SECONDS
from ingest.sources.streams import Lag

# How long to look for the next record of each partition; one that is on the broker comes within milliseconds.
LOOK_SECONDS = 2.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kafka_lag(topic: str, open_consumer: Callable[[], Consumer], offsets: Mapping[int, int]) -> Lag:
    """Compare the offsets that a table records with the topic; raises SourceUnavailable when the broker is away.

    `events` counts offsets, transaction markers and compacted records among them; `since` is the time of the oldest
    waiting record, None when none could be looked at or none has a time.
    """
    consumer = open_consumer()
    try:
        bounds = _bounds(consumer, topic)
        starts = {partition: max(first, offsets.get(partition, first)) for partition, (first, _) in bounds.items()}
        behind = {partition: bounds[partition][1] - start for partition, start in starts.items()}
        late = {partition: starts[partition] for partition, count in behind.items() if count > 0}
        waiting = _waiting_since(consumer, topic, late)
    except KafkaException as error:
        raise SourceUnavailable(f"kafka:{topic}: {error.args[0].str()}") from error
    finally:
        consumer.close()
    if not late:
        return Lag(events=0, seconds=0.0)
    return Lag(events=sum(behind[each] for each in late), since=waiting)


def _bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """The first offset of each partition and its end, as a reader sees it who is not shown open transactions."""
    found = consumer.list_topics(topic, METADATA_SECONDS).topics[topic]
    if found.error is not None:
        raise SourceUnavailable(f"kafka:{topic}: {found.error.str()}")
    places = {partition: TopicPartition(topic, partition) for partition in found.partitions}
    bounds = {each: consumer.get_watermark_offsets(place, METADATA_SECONDS) for each, place in places.items()}
    return {partition: pair for partition, pair in bounds.items() if pair}


def _waiting_since(consumer: Consumer, topic: str, starts: Mapping[int, int]) -> datetime | None:
    """The time of the oldest record among the next of each partition."""
    places = {partition: TopicPartition(topic, partition, start) for partition, start in starts.items()}
    consumer.assign(list(places.values()))
    seen: list[datetime] = []
    while places:
        message = consumer.poll(LOOK_SECONDS)
        if message is None:
            break
        # The end of a partition and any trouble with it are answers too: there is no record to look at.
        place = places.pop(message.partition() or 0, None)
        if place is None:
            continue
        consumer.incremental_unassign([place])
        seen.extend(_times(message))
    return min(seen, default=None)


def _times(message: Message) -> list[datetime]:
    kind, milliseconds = message.timestamp()
    if message.error() is not None or kind == TIMESTAMP_NOT_AVAILABLE or milliseconds < 0:
        return []
    return [_EPOCH + timedelta(milliseconds=milliseconds)]
