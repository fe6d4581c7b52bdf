"""Records of a topic as columns of bronze: every one of them with its bytes, the unreadable ones marked."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from ingest.batch import Chunk, Rejected
from ingest.envelope import Envelope, Fault
from ingest.position import kafka_row
from ingest.postgres_types import Array
from ingest.tables import KAFKA_SCHEMA, TIMESTAMP

# A producer may claim any time; what is before 1970 or after the year 9999 is none that a reader could take.
_FIRST_MILLISECOND = pa.scalar(0, pa.int64())
_LAST_MILLISECOND = pa.scalar(253_402_300_799_999, pa.int64())


class Records:
    """Records of one read, column by column.

    A message is an object that the garbage collector goes through again and again while it is kept (which took half of
    the time of a read); what it is made of is not.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._partitions: list[int | None] = []
        self._offsets: list[int | None] = []
        self._keys: list[bytes | None] = []
        self._values: list[bytes | None] = []
        self._headers: list[str] = []
        self._milliseconds: list[int | None] = []

    def add(self, messages: Sequence[Message]) -> int:
        """Take in messages that are records; gives their size in bytes."""
        keys, values = list(map(Message.key, messages)), list(map(Message.value, messages))
        self._partitions.extend(map(Message.partition, messages))
        self._offsets.extend(map(Message.offset, messages))
        self._keys.extend(keys)
        self._values.extend(values)
        self._headers.extend(map(headers_json, map(Message.headers, messages)))
        times = map(Message.timestamp, messages)
        self._milliseconds.extend([None if kind == TIMESTAMP_NOT_AVAILABLE else time for kind, time in times])
        return sum(map(len, filter(None, keys))) + sum(map(len, filter(None, values)))

    def chunk(self, envelope: Envelope) -> Chunk:
        """All of them as bronze rows; those with a fault as rejected too, with all their bytes."""
        faults = envelope.faults(self._keys, self._values)
        partitions, offsets = pa.array(self._partitions, pa.int32()), pa.array(self._offsets, pa.int64())
        places = row_positions(partitions, offsets)
        columns: dict[str, Array] = {
            "topic": pa.repeat(self._topic, len(offsets)),
            "partition": partitions,
            "offset": offsets,
            "key": pa.array(self._keys, pa.binary()),
            "value": pa.array(self._values, pa.binary()),
            "headers": pa.array(self._headers, pa.string()),
            "_position": places,
            "_committed_at": moments(self._milliseconds),
            "_rejected": _reasons(faults, len(offsets)),
        }
        rejected = [self._rejected(place, str(places[place]), fault) for place, fault in faults.items()]
        return Chunk(
            pa.Table.from_arrays([columns[each] for each in KAFKA_SCHEMA.names], schema=KAFKA_SCHEMA), rejected
        )

    def _rejected(self, place: int, position: str, fault: Fault) -> Rejected:
        value, key, headers = self._values[place], self._keys[place], self._headers[place]
        return Rejected(f"kafka:{self._topic}", position, *fault, value, key, headers)


def row_positions(partitions: Array, offsets: Array) -> Array:
    """What `kafka_row` makes of each partition and offset."""
    partition_digits, offset_digits = map(len, kafka_row(0, 0).split("/"))
    padded_partitions = pc.ascii_lpad(partitions.cast(pa.string()), partition_digits, "0")
    padded_offsets = pc.ascii_lpad(offsets.cast(pa.string()), offset_digits, "0")
    joined: Array = pc.binary_join_element_wise(padded_partitions, padded_offsets, pa.repeat("/", len(offsets)))
    return joined


def moments(milliseconds: Sequence[int | None]) -> Array:
    """Kafka's timestamps as times; null where there is none that makes sense."""
    claimed = pa.array(milliseconds, pa.int64())
    sensible = pc.and_(pc.greater_equal(claimed, _FIRST_MILLISECOND), pc.less_equal(claimed, _LAST_MILLISECOND))
    kept: Array = pc.if_else(sensible, claimed, pa.scalar(None, pa.int64()))
    return kept.cast(pa.timestamp("ms", tz="UTC")).cast(TIMESTAMP)


def headers_json(headers: Any) -> str:
    """Headers (name and bytes or None, in order, names may repeat) as JSON: [[name, base64 or null], …]."""
    if not headers:
        return "[]"
    return json.dumps([[name, None if value is None else base64.b64encode(value).decode()] for name, value in headers])


def _reasons(faults: dict[int, Fault], count: int) -> Array:
    reasons: list[str | None] = [None] * count
    for place, fault in faults.items():
        reasons[place] = fault.reason
    return pa.array(reasons, pa.string())
