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


def records_chunk(topic: str, messages: Sequence[Message], envelope: Envelope) -> Chunk:
    """Records as bronze rows, column by column; those with a fault as rejected too, with all their bytes."""
    keys, values = list(map(Message.key, messages)), list(map(Message.value, messages))
    headers = [headers_json(each) for each in map(Message.headers, messages)]
    faults = envelope.faults(keys, values)
    partitions = pa.array(map(Message.partition, messages), pa.int32())
    offsets = pa.array(map(Message.offset, messages), pa.int64())
    places = row_positions(partitions, offsets)
    columns: dict[str, Array] = {
        "topic": pa.repeat(topic, len(messages)),
        "partition": partitions,
        "offset": offsets,
        "key": pa.array(keys, pa.binary()),
        "value": pa.array(values, pa.binary()),
        "headers": pa.array(headers, pa.string()),
        "_position": places,
        "_committed_at": moments([message.timestamp() for message in messages]),
        "_rejected": _reasons(faults, len(messages)),
    }
    rejected = [
        Rejected(f"kafka:{topic}", str(places[place]), *fault, values[place], keys[place], headers[place])
        for place, fault in faults.items()
    ]
    return Chunk(pa.Table.from_arrays([columns[name] for name in KAFKA_SCHEMA.names], schema=KAFKA_SCHEMA), rejected)


def row_positions(partitions: Array, offsets: Array) -> Array:
    """What `kafka_row` makes of each partition and offset."""
    partition_digits, offset_digits = map(len, kafka_row(0, 0).split("/"))
    padded_partitions = pc.ascii_lpad(partitions.cast(pa.string()), partition_digits, "0")
    padded_offsets = pc.ascii_lpad(offsets.cast(pa.string()), offset_digits, "0")
    joined: Array = pc.binary_join_element_wise(padded_partitions, padded_offsets, pa.repeat("/", len(offsets)))
    return joined


def moments(timestamps: Sequence[tuple[int, int]]) -> Array:
    """Kafka's timestamps (kind and milliseconds) as times; null where there is none that makes sense."""
    claimed = pa.array([None if kind == TIMESTAMP_NOT_AVAILABLE else time for kind, time in timestamps], pa.int64())
    sensible = pc.and_(pc.greater_equal(claimed, _FIRST_MILLISECOND), pc.less_equal(claimed, _LAST_MILLISECOND))
    milliseconds: Array = pc.if_else(sensible, claimed, pa.scalar(None, pa.int64()))
    return milliseconds.cast(pa.timestamp("ms", tz="UTC")).cast(TIMESTAMP)


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
