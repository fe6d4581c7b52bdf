"""How far the tables are behind their sources: the source's end is marked once, and then compared with positions."""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Protocol

from bson import Timestamp
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ingest.errors import SourceUnavailable
from ingest.position import KafkaPosition, MongoPosition, format_lsn
from ingest.sources.kafka import METADATA_SECONDS
from ingest.sources.postgres_catalog import (
    PostgresServer,
    confirmed_lsn,
    flushed_lsn,
    published_tables,
    translated,
)
from ingest.sources.source import Positions
from ingest.tables import kafka_table, mongo_table

# Events of other collections are skipped by the server in several answers; so many without an event mean the end.
MONGO_EMPTY_ANSWERS = 3


class Progress(Protocol):
    """Compares one source with its tables; raises SourceUnavailable when the server is away."""

    @property
    def name(self) -> str:
        """The source's name."""
        ...

    def mark(self) -> None:
        """Remember where the source ends now."""
        ...

    def behind(self, positions: Positions) -> Sequence[str]:
        """What is missing up to the mark, in words; empty when everything is in."""
        ...


class PostgresProgress:
    """The slot's confirmed position tells: ingest acknowledges only what every table has."""

    def __init__(self, database: str, publication: str, slot: str, server: PostgresServer) -> None:
        self._database, self._publication, self._slot, self._server = database, publication, slot, server
        self._end = 0

    @property
    def name(self) -> str:
        """See Progress."""
        return f"postgres:{self._database}"

    def mark(self) -> None:
        """See Progress."""
        with translated(self.name), closing(self._server.query()) as session:
            self._end = flushed_lsn(session)

    def behind(self, positions: Positions) -> Sequence[str]:
        """See Progress."""
        with translated(self.name), closing(self._server.query()) as session:
            tables = published_tables(session, self._publication)
            confirmed = confirmed_lsn(session, self._slot)
        missing = [f"{table.source} is not copied" for table in tables if positions(table.bronze) is None]
        if confirmed is None:
            missing.append(f"the slot {self._slot} does not exist")
        elif confirmed < self._end:
            missing.append(f"{self._end - confirmed} bytes of log up to {format_lsn(self._end)}")
        return missing


class KafkaProgress:
    """The table's offsets against the partitions' ends."""

    def __init__(self, topic: str, connect: Callable[[], Consumer]) -> None:
        self._topic, self._open = topic, connect
        self._ends: dict[int, int] = {}

    @property
    def name(self) -> str:
        """See Progress."""
        return f"kafka:{self._topic}"

    def mark(self) -> None:
        """See Progress."""
        consumer = self._open()
        try:
            topic = consumer.list_topics(self._topic, METADATA_SECONDS).topics[self._topic]
            if topic.error is not None:
                raise SourceUnavailable(f"{self.name}: {topic.error.str()}")
            for partition in topic.partitions:
                place = TopicPartition(self._topic, partition)
                self._ends[partition] = consumer.get_watermark_offsets(place, METADATA_SECONDS)[1]
        except KafkaException as error:
            raise SourceUnavailable(f"{self.name}: {error.args[0].str()}") from error
        finally:
            consumer.close()

    def behind(self, positions: Positions) -> Sequence[str]:
        """See Progress."""
        recorded = positions(kafka_table(self._topic))
        offsets = recorded.offsets if isinstance(recorded, KafkaPosition) else {}
        left = sum(max(0, end - offsets.get(partition, 0)) for partition, end in self._ends.items())
        return [f"{left} records"] if left else []


class MongoProgress:
    """Whether the change stream still has an event between the recorded token and the marked time."""

    def __init__(self, database: str, collection: str, connect: Callable[[], MongoClient[dict[str, Any]]]) -> None:
        self._database, self._collection, self._open = database, collection, connect
        self._end = Timestamp(0, 0)

    @property
    def name(self) -> str:
        """See Progress."""
        return f"mongo:{self._database}.{self._collection}"

    def mark(self) -> None:
        """See Progress."""
        try:
            with self._open() as client:
                answer = client[self._database].command("ping")
        except PyMongoError as error:
            raise SourceUnavailable(f"{self.name}: {error}") from error
        self._end = answer.get("operationTime") or answer["$clusterTime"]["clusterTime"]

    def behind(self, positions: Positions) -> Sequence[str]:
        """See Progress."""
        recorded = positions(mongo_table(self._collection))
        if not isinstance(recorded, MongoPosition):
            return [f"{self._collection} is not copied"]
        try:
            return self._events_after(recorded)
        except PyMongoError as error:
            raise SourceUnavailable(f"{self.name}: {error}") from error

    def _events_after(self, recorded: MongoPosition) -> Sequence[str]:
        with (
            self._open() as client,
            client[self._database][self._collection].watch(
                start_after=recorded.token, max_await_time_ms=100, batch_size=1
            ) as stream,
        ):
            for _ in range(MONGO_EMPTY_ANSWERS):
                event = stream.try_next()
                if event is not None:
                    waiting = event["clusterTime"] <= self._end
                    return [f"events since {recorded.seconds}.{recorded.increment}"] if waiting else []
        return []
