"""A MongoDB collection: copied by _id, then followed through its change stream from a token taken before the copy."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from bson import Timestamp
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps
from pymongo import MongoClient
from pymongo.change_stream import CollectionChangeStream
from pymongo.collection import Collection
from pymongo.errors import OperationFailure, PyMongoError

from ingest.batch import Batch, Chunk
from ingest.errors import PositionLost, SourceUnavailable
from ingest.position import MongoPosition, mongo_row
from ingest.sources.source import Positions
from ingest.tables import MONGO_SCHEMA, mongo_table

Document = Mapping[str, Any]
# Documents of a copy that are in memory at once; a document is at most 16 MiB, usually a few KB.
COPY_ROWS = 10_000
# How long the server may hold a request for the next events open, milliseconds.
AWAIT_MS = 100
# ChangeStreamHistoryLost: the oplog no longer holds what follows the token. Servers differ in its labels, not its code.
HISTORY_LOST = 286
_OPERATIONS = {"insert": "c", "update": "u", "replace": "u", "delete": "d"}


class MongoCollection:
    """Reads one collection."""

    def __init__(self, database: str, collection: str, connect: Callable[[], MongoClient[dict[str, Any]]]) -> None:
        self._database = database
        self._collection = collection
        self._table = mongo_table(collection)
        self._connect = connect
        self._client: MongoClient[dict[str, Any]] | None = None
        self._stream: CollectionChangeStream[dict[str, Any]] | None = None
        self._position: MongoPosition | None = None

    @property
    def name(self) -> str:
        """See Source."""
        return f"mongo:{self._database}.{self._collection}"

    @property
    def fixed_tables(self) -> dict[str, pa.Schema]:
        """See Source."""
        return {self._table: MONGO_SCHEMA}

    def open(self, positions: Positions) -> None:
        """See Source; without a recorded position the first read is the whole collection."""
        recorded = positions(self._table)
        self._position = recorded if isinstance(recorded, MongoPosition) else None
        with _translated(self.name, self._table):
            self._client = self._connect()
            if self._position:
                self._follow(self._position)

    def read(self, *, rows: int, seconds: float) -> Sequence[Batch]:
        """See Source."""
        with _translated(self.name, self._table):
            if self._position is None:
                return [self._copy()]
            return self._changes(self._position, rows, seconds)

    def acknowledge(self) -> None:
        """See Source; MongoDB keeps its oplog by age and size, not by reader."""

    def close(self) -> None:
        """See Source."""
        if self._client is not None:
            self._client.close()
        self._client, self._stream = None, None

    def _source(self) -> Collection[dict[str, Any]]:
        if self._client is None:
            raise SourceUnavailable(f"{self.name} is not open")
        return self._client[self._database][self._collection]

    def _follow(self, position: MongoPosition) -> None:
        self._stream = self._source().watch(
            full_document="updateLookup", start_after=position.token, max_await_time_ms=AWAIT_MS
        )

    def _copy(self) -> Batch:
        start = self._starting_point()
        self._position = start
        self._follow(start)
        return Batch(self._table, self.name, self._copied(start), start)

    def _starting_point(self) -> MongoPosition:
        # What changes while the copy runs comes again from the stream, later in time than the copy's rows.
        answer = self._source().database.command("ping")
        time_ = answer.get("operationTime") or answer["$clusterTime"]["clusterTime"]
        with self._source().watch(max_await_time_ms=AWAIT_MS) as stream:
            stream.try_next()
            token = stream.resume_token
        if token is None:
            raise SourceUnavailable(f"{self.name}: the server gave no resume token; is it a replica set?")
        return MongoPosition(token, time_.time, 0)

    def _copied(self, start: MongoPosition) -> Iterator[Chunk]:
        now = datetime.fromtimestamp(start.seconds, UTC)
        rows: list[tuple[object, ...]] = []
        with _translated(self.name, self._table):
            for index, document in enumerate(self._source().find().sort("_id", 1)):
                place = mongo_row(start.seconds, start.increment, index)
                rows.append((canonical(document["_id"]), canonical(document), "r", place, now))
                if len(rows) >= COPY_ROWS:
                    yield _chunk(rows)
                    rows = []
        yield _chunk(rows)

    def _changes(self, position: MongoPosition, rows: int, seconds: float) -> Sequence[Batch]:
        found: list[tuple[object, ...]] = []
        deadline = time.monotonic() + seconds
        while len(found) < rows and time.monotonic() < deadline:
            event = self._next()
            if event is None:
                continue
            position = _after(position, event)
            if event["operationType"] in _OPERATIONS:
                if not found:
                    deadline = time.monotonic() + seconds
                found.append(_row(event, position))
        if position == self._position:
            return []
        self._position = position
        return [Batch(self._table, self.name, [_chunk(found)], position)]

    def _next(self) -> Document | None:
        if self._stream is None or not self._stream.alive:
            raise SourceUnavailable(f"{self.name}: the change stream ended; was the collection dropped?")
        return self._stream.try_next()


def canonical(value: object) -> str:
    """A BSON value as canonical extended JSON, version 2."""
    return dumps(value, json_options=CANONICAL_JSON_OPTIONS, ensure_ascii=False)


def _row(event: Document, position: MongoPosition) -> tuple[object, ...]:
    operation = _OPERATIONS[event["operationType"]]
    # An update whose document is gone was overtaken by a delete, which follows as an event of its own.
    document = event.get("fullDocument") if operation != "d" else None
    place = mongo_row(position.seconds, position.increment, position.index)
    return (
        canonical(event["documentKey"]["_id"]),
        None if document is None else canonical(document),
        operation,
        place,
        _moment(event),
    )


def _after(position: MongoPosition, event: Document) -> MongoPosition:
    cluster: Timestamp = event["clusterTime"]
    same = (cluster.time, cluster.inc) == (position.seconds, position.increment)
    index = position.index + 1 if same else 0
    return MongoPosition(event["_id"], cluster.time, cluster.inc, index)


def _moment(event: Document) -> datetime:
    wall: datetime | None = event.get("wallTime")
    if wall is not None:
        return wall if wall.tzinfo else wall.replace(tzinfo=UTC)
    return datetime.fromtimestamp(event["clusterTime"].time, UTC)


def _chunk(rows: Sequence[tuple[object, ...]]) -> Chunk:
    columns = list(zip(*rows, strict=True)) or [()] * len(MONGO_SCHEMA)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, MONGO_SCHEMA, strict=True)]
    return Chunk(pa.Table.from_arrays(arrays, schema=MONGO_SCHEMA))


class _translated:  # noqa: N801 - reads as a verb where it is used
    """Turns the driver's errors into the two that ingest knows."""

    def __init__(self, name: str, table: str) -> None:
        self._name = name
        self._table = table

    def __enter__(self) -> None:
        """Enter."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Raise what the driver's error means."""
        if isinstance(error, OperationFailure) and error.code == HISTORY_LOST:
            raise PositionLost(
                f"{self._name}: the oplog no longer holds what follows the recorded token; "
                f"drop {self._table} to copy anew",
                field=self._table,
            ) from error
        if isinstance(error, PyMongoError):
            raise SourceUnavailable(f"{self._name}: {error}") from error
