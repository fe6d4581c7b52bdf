"""A Kafka topic: records as they came, from offsets that the table alone remembers."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from shopsphere_kit.logging import get_logger

from ingest import envelope
from ingest.batch import Batch, Chunk, Pace, Rejected
from ingest.errors import PositionLost, SourceUnavailable
from ingest.position import KafkaPosition, kafka_row
from ingest.sources.filling import Filling
from ingest.sources.source import Positions
from ingest.tables import KAFKA_SCHEMA, kafka_table

# How long a question to the broker (which partitions are there?) may take.
METADATA_SECONDS = 10.0
# Partitions that were added to the topic are noticed within this time.
PARTITIONS_LOOK_SECONDS = 30.0
# One call hands over at most this many messages; larger gains nothing, and a batch overshoots its bytes by one call
# at most, which librdkafka's own queue (queued.max.messages.kbytes, 64 MiB) feeds.
MESSAGES_PER_CALL = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

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
    }


class KafkaTopic:
    """Reads one topic with a consumer of its own, all partitions assigned by hand."""

    def __init__(self, topic: str, connect: Callable[[], Consumer]) -> None:
        self._topic = topic
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
        messages: list[Message] = []
        filling = Filling(pace)
        while (left := filling.seconds_left) > 0:
            got = self._consume(min(filling.rows_left, MESSAGES_PER_CALL), left)
            filling.add(len(got), sum(map(_size, got)))
            messages.extend(got)
        if self._offsets == before:
            return []
        chunk = records_chunk(self._topic, messages)
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
        return [message for message in got if self._accept(message)]

    def _accept(self, message: Message) -> bool:
        error = message.error()
        partition, offset = place_of(message)
        if error is None:
            self._offsets[partition] = offset + 1
            return True
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name for it
            # The end may lie behind the last record: transaction markers and compacted records take offsets too.
            self._offsets[partition] = max(self._offsets.get(partition, 0), offset)
            return False
        if error.code() in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET):  # noqa: SLF001
            raise PositionLost(
                f"{self.name}: the broker no longer has offset {self._offsets.get(partition, 0)} of partition "
                f"{partition}; retention removed records that were never read",
                field=self._table,
            )
        raise SourceUnavailable(f"{self.name}: {error.str()}")

    def _reader(self) -> Consumer:
        if self._consumer is None:
            raise SourceUnavailable(f"{self.name} is not open")
        return self._consumer


def records_chunk(topic: str, messages: Iterable[Message]) -> Chunk:
    """Records as bronze rows; those without an envelope as rejected, with all their bytes."""
    rows: list[tuple[object, ...]] = []
    rejected: list[Rejected] = []
    for message in messages:
        (partition, offset), value = place_of(message), message.value()
        place, headers = kafka_row(partition, offset), headers_json(message.headers())
        fault = envelope.fault(topic, value)
        if fault:
            rejected.append(Rejected(f"kafka:{topic}", place, *fault, value, message.key(), headers))
        else:
            time_ = _committed_at(message)
            rows.append((topic, partition, offset, message.key(), value, headers, place, time_))
    columns = list(zip(*rows, strict=True)) or [()] * len(KAFKA_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, KAFKA_SCHEMA, strict=True)]
    return Chunk(pa.Table.from_arrays(arrays, schema=KAFKA_SCHEMA), rejected)


def place_of(message: Message) -> tuple[int, int]:
    """Partition and offset, which every message that a consumer hands over has."""
    partition, offset = message.partition(), message.offset()
    if partition is None or offset is None:
        raise SourceUnavailable("kafka: a message without a place")
    return partition, offset


def headers_json(headers: Any) -> str:
    """Headers (name and bytes or None, in order, names may repeat) as JSON: [[name, base64 or null], …]."""
    if not headers:
        return "[]"
    return json.dumps([[name, None if value is None else base64.b64encode(value).decode()] for name, value in headers])


def _size(message: Message) -> int:
    return len(message.key() or b"") + len(message.value() or b"")


def _committed_at(message: Message) -> datetime | None:
    kind, milliseconds = message.timestamp()
    if kind == TIMESTAMP_NOT_AVAILABLE:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)
