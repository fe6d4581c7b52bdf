"""A Kafka topic: records as they came, from offsets that the table alone remembers."""

import time
from collections.abc import Callable, Sequence

import pyarrow as pa
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from shopsphere_kit.logging import get_logger

from ingest import metrics
from ingest.batch import Batch, Pace
from ingest.envelope import Envelope
from ingest.errors import PositionLost, SourceUnavailable
from ingest.position import KafkaPosition
from ingest.sources.filling import Filling
from ingest.sources.kafka_records import Records
from ingest.sources.source import Positions
from ingest.tables import KAFKA_SCHEMA, kafka_table

# How long a question to the broker (which partitions are there?) may take.
METADATA_SECONDS = 10.0
# Partitions that were added to the topic are noticed within this time.
PARTITIONS_LOOK_SECONDS = 30.0
# One call hands over at most this many messages; larger gains nothing, and a batch overshoots its bytes by one call
# at most, which librdkafka's own queue (queued.max.messages.kbytes, 64 MiB) feeds.
MESSAGES_PER_CALL = 1_000
FETCH_PAUSE_MS = 5

_log = get_logger(__name__)


def consumer_settings(bootstrap_servers: str) -> dict[str, str | int | bool]:
    """Settings of a consumer whose place is decided by the table: no group offsets, no silent reset."""
    return {
        "bootstrap.servers": bootstrap_servers,
        "group.id": "shopsphere-ingest",  # demanded by librdkafka; never joined, nothing is stored under it
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        # When its queue is full, librdkafka would not look again for a second, in which the queue runs empty.
        "fetch.queue.backoff.ms": FETCH_PAUSE_MS,
    }


class KafkaTopic:
    """Reads one topic with a consumer of its own, all partitions assigned by hand."""

    def __init__(
        self, topic: str, connect: Callable[[], Consumer], envelope: Envelope, *, skip_expired: bool = False
    ) -> None:
        self._topic = topic
        self._envelope = envelope
        self._skip_expired = skip_expired
        self._table = kafka_table(topic)
        self._connect = connect
        self._consumer: Consumer | None = None
        self._offsets: dict[int, int] = {}
        self._looked_at = 0.0

    @property
    def name(self) -> str:
        """See Source."""
        return f"kafka:{self._topic}"

    @property
    def fixed_tables(self) -> dict[str, pa.Schema]:
        """See Source."""
        return {self._table: KAFKA_SCHEMA}

    def open(self, positions: Positions) -> None:
        """See Source."""
        recorded = positions(self._table)
        self._offsets = dict(recorded.offsets) if isinstance(recorded, KafkaPosition) else {}
        self._consumer = self._connect()
        self._assign(self._partitions())

    def read(self, pace: Pace) -> Sequence[Batch]:
        """See Source."""
        if time.monotonic() - self._looked_at > PARTITIONS_LOOK_SECONDS:
            self._assign(self._partitions())
        before = dict(self._offsets)
        records = Records(self._topic)
        filling = Filling(pace)
        while (left := filling.seconds_left) > 0:
            got = self._consume(min(filling.rows_left, MESSAGES_PER_CALL), left)
            filling.add(len(got), records.add(got))
        if self._offsets == before:
            return []
        chunk = records.chunk(self._envelope)
        return [Batch(self._table, self.name, [chunk], KafkaPosition(dict(self._offsets)))]

    def acknowledge(self) -> None:
        """See Source; the table holds the offsets, so the broker need not know them."""

    def close(self) -> None:
        """See Source."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _partitions(self) -> list[int]:
        try:
            topic = self._reader().list_topics(self._topic, METADATA_SECONDS).topics[self._topic]
        except KafkaException as error:
            raise SourceUnavailable(f"{self.name}: {error.args[0].str()}") from error
        if topic.error is not None:
            raise SourceUnavailable(f"{self.name}: {topic.error.str()}")
        self._looked_at = time.monotonic()
        return sorted(topic.partitions)

    def _assign(self, partitions: Sequence[int]) -> None:
        reader = self._reader()
        known = {place.partition for place in reader.assignment()}
        new = [
            TopicPartition(self._topic, partition, self._offsets.get(partition, OFFSET_BEGINNING))
            for partition in partitions
            if partition not in known
        ]
        if new:
            reader.incremental_assign(new)
            _log.info("partitions assigned", topic=self._topic, partitions=[place.partition for place in new])

    def _consume(self, count: int, seconds: float) -> list[Message]:
        try:
            got = self._reader().consume(count, min(seconds, 0.1))
        except KafkaException as error:
            raise SourceUnavailable(f"{self.name}: {error.args[0].str()}") from error
        records = [message for message in got if message.error() is None]
        # Of each partition the last record stays.
        for message in dict(zip(map(Message.partition, records), records, strict=True)).values():
            partition, offset = place_of(message)
            self._offsets[partition] = offset + 1
        if len(records) < len(got):
            for message in got:
                self._note(message)
        return records

    def _note(self, message: Message) -> None:
        """Take in what the broker tells between the records."""
        error = message.error()
        if error is None:
            return
        partition, offset = place_of(message)
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name for it
            # The end may lie behind the last record: transaction markers and compacted records take offsets too.
            self._offsets[partition] = max(self._offsets.get(partition, 0), offset)
        elif error.code() in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET):  # noqa: SLF001
            self._pass_gap(partition)
        else:
            raise SourceUnavailable(f"{self.name}: {error.str()}")

    def _pass_gap(self, partition: int) -> None:
        """The broker has not what should come next: say what is missing, and go on behind it where that is allowed."""
        first, end = self._bounds(partition)
        at = self._offsets.get(partition, first)
        if at > end:
            raise PositionLost(
                f"{self.name}: partition {partition} ends at offset {end}, the table has all before {at}; the topic "
                f"was made anew or lost records: set {self._table} aside, and it is filled from the topic's beginning",
                field=self._table,
            )
        if at >= first:
            raise SourceUnavailable(f"{self.name}: partition {partition} moved while it was opened")
        metrics.EXPIRED.labels(self.name).inc(first - at)
        missing = f"{self.name}: retention removed offsets {at} to {first - 1} of partition {partition} unread"
        if not self._skip_expired:
            raise PositionLost(
                f"{missing}; to go on without them set INGEST_KAFKA_SKIP_EXPIRED to true", field=self._table
            )
        _log.error("records expired unread", topic=self._topic, partition=partition, first=at, last=first - 1)
        self._offsets[partition] = first
        self._reader().incremental_unassign([TopicPartition(self._topic, partition)])
        self._assign([partition])

    def _bounds(self, partition: int) -> tuple[int, int]:
        try:
            place = TopicPartition(self._topic, partition)
            found = self._reader().get_watermark_offsets(place, METADATA_SECONDS)
        except KafkaException as error:
            raise SourceUnavailable(f"{self.name}: {error.args[0].str()}") from error
        if found is None:
            raise SourceUnavailable(f"{self.name}: partition {partition} does not answer")
        return found

    def _reader(self) -> Consumer:
        if self._consumer is None:
            raise SourceUnavailable(f"{self.name} is not open")
        return self._consumer


def place_of(message: Message) -> tuple[int, int]:
    """Partition and offset, which every message that a consumer hands over has."""
    partition, offset = message.partition(), message.offset()
    if partition is None or offset is None:
        raise SourceUnavailable("kafka: a message without a place")
    return partition, offset
