"""How far the tables are behind their sources: the source's end is marked once, and then compared with positions."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from bson import Timestamp
from confluent_kafka import Consumer, KafkaException, TopicPartition
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from ingest.errors import SourceUnavailable
from ingest.position import KafkaPosition, MongoPosition, format_lsn
from ingest.sources.kafka import METADATA_SECONDS
from ingest.sources.kafka_lag import kafka_lag
from ingest.sources.postgres_catalog import (
    PostgresServer,
    confirmed_lsn,
    flushed_lsn,
    published_tables,
    translated,
)
from ingest.sources.resume_tokens import order, time_order
from ingest.sources.source import Positions
from ingest.sources.streams import Lag, Stream
from ingest.tables import kafka_table, mongo_table

# How long the server may hold a request for the next events open, milliseconds.
MONGO_AWAIT_MS = 100
# After so long without an event a look is broken off; the next one goes on from where it stopped.
MONGO_LOOK_SECONDS = 5.0

Token = Mapping[str, Any]


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

    def streams(self) -> Sequence[Stream]:
        """The ways into bronze tables that the source has now; asks the server where only it knows."""
        ...

    def lag(self, positions: Positions) -> Lag:
        """What the source's tables lack up to the mark, in figures."""
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

    def streams(self) -> Sequence[Stream]:
        """See Progress."""
        with translated(self.name), closing(self._server.query()) as session:
            tables = published_tables(session, self._publication)
        through = f"publication {self._publication}, slot {self._slot}"
        return [Stream(table.source, table.bronze, through) for table in tables]

    def lag(self, positions: Positions) -> Lag:  # noqa: ARG002 - one slot for all tables, whatever they record
        """See Progress; the log does not tell when it was written, so `since` is left to who knows the tables."""
        with translated(self.name), closing(self._server.query()) as session:
            confirmed = confirmed_lsn(session, self._slot)
        if confirmed is None:
            return Lag()
        missing = max(0, self._end - confirmed)
        return Lag(bytes=missing, seconds=None if missing else 0.0)


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

    def streams(self) -> Sequence[Stream]:
        """See Progress."""
        return [Stream(self.name, kafka_table(self._topic), f"topic {self._topic}")]

    def lag(self, positions: Positions) -> Lag:
        """See Progress; the oldest record that is missing tells since when."""
        recorded = positions(kafka_table(self._topic))
        return kafka_lag(self._topic, self._open, recorded.offsets if isinstance(recorded, KafkaPosition) else {})


class MongoProgress:
    """Whether the change stream still has an event between the recorded token and the marked end.

    A stream that answers nothing has not reached the end: the server looks through the log of all collections in
    pieces. Its resume token tells how far it has looked.
    """

    def __init__(self, database: str, collection: str, connect: Callable[[], MongoClient[dict[str, Any]]]) -> None:
        self._database, self._collection, self._open = database, collection, connect
        self._end_time = Timestamp(0, 0)
        self._end = 0
        self._looked: tuple[Token, Token] | None = None

    @property
    def name(self) -> str:
        """See Progress."""
        return f"mongo:{self._database}.{self._collection}"

    def mark(self) -> None:
        """See Progress."""
        try:
            with self._open() as client:
                answer = client[self._database].command("ping")
                with client[self._database][self._collection].watch(max_await_time_ms=MONGO_AWAIT_MS) as stream:
                    token = stream.resume_token
        except PyMongoError as error:
            raise SourceUnavailable(f"{self.name}: {error}") from error
        if token is None:
            raise SourceUnavailable(f"{self.name}: the server gave no resume token; is it a replica set?")
        self._end_time = answer.get("operationTime") or answer["$clusterTime"]["clusterTime"]
        # A new stream may start one tick after the last operation, where nothing may come to for seconds.
        self._end = min(order(token), time_order(self._end_time))

    def behind(self, positions: Positions) -> Sequence[str]:
        """See Progress."""
        recorded = positions(mongo_table(self._collection))
        if not isinstance(recorded, MongoPosition):
            return [f"{self._collection} is not copied"]
        if recorded.copy is not None:
            return [f"{self._collection} is being copied, {recorded.copy.index + 1} rows so far"]
        try:
            with self._open() as client:
                return self._events_after(client[self._database][self._collection], recorded)
        except PyMongoError as error:
            raise SourceUnavailable(f"{self.name}: {error}") from error

    def streams(self) -> Sequence[Stream]:
        """See Progress."""
        return [Stream(self.name, mongo_table(self._collection), f"collection {self._collection}")]

    def lag(self, positions: Positions) -> Lag:
        """See Progress."""
        return Lag(seconds=self.lag_seconds(positions))

    def lag_seconds(self, positions: Positions) -> float | None:
        """How much of the server's cluster time the table lacks up to the mark; None when no part of it is copied.

        An idle collection's recorded time stands still, so a table that lacks nothing has no lag, whatever its time.
        """
        recorded = positions(mongo_table(self._collection))
        if not isinstance(recorded, MongoPosition):
            return None
        if not self.behind(positions):
            return 0.0
        return float(max(0, self._end_time.time - (recorded.copy or recorded).seconds))

    def _events_after(self, source: Collection[dict[str, Any]], recorded: MongoPosition) -> Sequence[str]:
        start = self._looked[1] if self._looked and self._looked[0] == recorded.token else recorded.token
        # Events are looked at for their time alone; one whose document cannot be decoded is ingest's to judge.
        only_time = [{"$project": {"clusterTime": 1}}]
        with source.watch(only_time, start_after=start, max_await_time_ms=MONGO_AWAIT_MS, batch_size=1) as stream:
            deadline = time.monotonic() + MONGO_LOOK_SECONDS
            while time.monotonic() < deadline:
                event = stream.try_next()
                if event is not None:
                    waiting = event["clusterTime"] <= self._end_time
                    return [f"events since {recorded.seconds}.{recorded.increment}"] if waiting else []
                token = stream.resume_token
                if token is not None and order(token) >= self._end:
                    return []
                self._looked = (recorded.token, start if token is None else token)
        return [f"the log from {recorded.seconds}.{recorded.increment} on is not looked through yet"]
