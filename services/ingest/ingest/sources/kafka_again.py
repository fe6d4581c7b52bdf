"""Kafka records in quarantine, judged anew: their bytes are all there."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

import pyarrow as pa

from ingest.batch import Rejected
from ingest.rereading import Reread, identity
from ingest.tables import KAFKA_SCHEMA, kafka_table

# The records of a topic that are not well formed, by their place in keys and values.
Faults = Callable[[str, Sequence[bytes | None], Sequence[bytes | None]], Mapping[int, object]]
# The `_committed_at` of a table's rows at positions: quarantine has the bytes alone, the raw row has the time too.
Times = Callable[[str, AbstractSet[str]], Mapping[str, datetime]]


class KafkaAgain:
    """Reads records of topics again."""

    def __init__(self, faults: Faults, times: Times) -> None:
        self._faults, self._times = faults, times

    def __call__(self, source: str, records: Sequence[Rejected]) -> Reread:
        """See Reader."""
        topic = source.partition(":")[2]
        faults = self._faults(topic, [record.key for record in records], [record.value for record in records])
        good = [record for number, record in enumerate(records) if number not in faults]
        table = kafka_table(topic)
        times = self._times(table, {record.position for record in good}) if good else {}
        rows = pa.Table.from_pylist([_row(topic, record, times.get(record.position)) for record in good], KAFKA_SCHEMA)
        return Reread(table, [rows], {identity(record): record.position for record in records})


def _row(topic: str, record: Rejected, committed_at: datetime | None) -> dict[str, Any]:
    partition, offset = map(int, record.position.split("/"))
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "key": record.key,
        "value": record.value,
        "headers": record.headers,
        "_position": record.position,
        "_committed_at": committed_at,
    }
