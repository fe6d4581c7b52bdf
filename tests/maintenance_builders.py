"""A small table of people and ingest's own writer to it, for the tests of maintenance."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pyarrow as pa
from ingest.batch import Batch, Chunk
from ingest.iceberg_tables import IcebergTables
from ingest.position import KafkaPosition, kafka_row
from ingest.sink import IcebergSink, append
from ingest.tables import CHANGE_FIELDS
from ingest_builders import NOON, a_rejected
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings

TABLE = "bronze_postgres__people"
PEOPLE = pa.schema([pa.field("first_name", pa.string()), pa.field("Odd Name's", pa.string()), *CHANGE_FIELDS])


def people(first: int, number: int = 3) -> pa.Table:
    """Rows of two days, numbered on from `first`."""
    rows = [
        {
            "first_name": f"Ann {index}",
            "Odd Name's": f"Lee {index}",
            "_op": "c",
            "_position": kafka_row(0, index),
            "_committed_at": NOON + timedelta(days=index % 2),
        }
        for index in range(first, first + number)
    ]
    return pa.Table.from_pylist(rows, schema=PEOPLE)


@dataclass
class Writer:
    """Ingest's sink, appending three rows per commit; its position is the number of rows."""

    settings: LakeSettings
    table: str = TABLE
    rows: int = 0
    trouble: list[BaseException] = field(default_factory=list)
    _sink: IcebergSink = field(init=False)

    def __post_init__(self) -> None:
        self._sink = IcebergSink(IcebergTables(open_catalog(self.settings)), SystemClock())

    @property
    def position(self) -> str | None:
        return str(self.rows) if self.rows else None

    def append(self, times: int = 1) -> None:
        for _ in range(times):
            rejected = [a_rejected(kafka_row(0, self.rows))] if self.rows % 2 else []
            batch = Batch(self.table, "scripted", [Chunk(people(self.rows), rejected)], KafkaPosition())
            append(self._sink, batch, expected=self.position, position=str(self.rows + 3))
            self.rows += 3

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Append on and on, several times a second, until the block ends."""
        stop = threading.Event()
        thread = threading.Thread(target=self._until, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _until(self, stop: threading.Event) -> None:
        try:
            while not stop.wait(0.3):
                self.append()
        except BaseException as error:  # noqa: BLE001 - the test that reads it fails with it
            self.trouble.append(error)
