"""A MongoDB collection: copied by _id, then followed through its change stream from a token taken before the copy."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import bson
import pyarrow as pa
from bson import Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.change_stream import CollectionChangeStream
from pymongo.collection import Collection
from pymongo.errors import OperationFailure, PyMongoError

from ingest.batch import Batch, Chunk, Pace, Rejected
from ingest.errors import PositionLost, SourceUnavailable
from ingest.position import MongoPosition, mongo_row, snapshot_identity
from ingest.sources.filling import Filling
from ingest.sources.source import Positions
from ingest.tables import MONGO_SCHEMA, mongo_table

# Documents of a copy that are in memory at once; a document is at most 16 MiB, usually a few KB.
COPY_ROWS, COPY_BYTES = 10_000, 16 * 2**20
# A token without rows behind it is recorded so often: rarely enough for a commit, and long before it ages out.
TOKEN_SECONDS = 300.0
# How long the server may hold a request for the next events open, milliseconds.
AWAIT_MS = 100
# ChangeStreamHistoryLost: the oplog no longer holds what follows the token. Servers differ in its labels, not its code.
HISTORY_LOST = 286
# The driver leaves documents as they came; each is decoded alone, so that one that cannot be does not stop the stream.
# A date beyond year 9999 is a valid document; it stays a number instead of an error.
_TIMES: dict[str, Any] = {"tz_aware": True, "datetime_conversion": DatetimeConversion.DATETIME_AUTO}
_DECODED: CodecOptions[dict[str, Any]] = CodecOptions(**_TIMES)
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(RawBSONDocument, **_TIMES)
# What the decoder and the writer of JSON raise for bytes that a server stores all the same.
_UNDECODABLE = (BSONError, ValueError, TypeError, OverflowError, RecursionError)
_OPERATIONS = {"insert": "c", "update": "u", "replace": "u", "delete": "d"}


class MongoCollection:
    """Reads one collection."""

    def __init__(self, database: str, collection: str, connect: Callable[[], MongoClient[dict[str, Any]]]) -> None:
        self._database = database
        self._collection = collection
        self._table = mongo_table(collection)
        self._connect = connect
        self._client: MongoClient[Any] | None = None
        self._stream: CollectionChangeStream[RawBSONDocument] | None = None
        self._position: MongoPosition | None = None
        self._moved_at = 0.0

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

    def read(self, pace: Pace) -> Sequence[Batch]:
        """See Source."""
        with _translated(self.name, self._table):
            if self._position is None:
                return [self._copy()]
            return self._changes(self._position, pace)

    def acknowledge(self) -> None:
        """See Source; MongoDB keeps its oplog by age and size, not by reader."""

    def close(self) -> None:
        """See Source."""
        if self._client is not None:
            self._client.close()
        self._client, self._stream = None, None

    def _source(self) -> Collection[RawBSONDocument]:
        if self._client is None:
            raise SourceUnavailable(f"{self.name} is not open")
        return self._client[self._database].get_collection(self._collection, codec_options=_RAW)

    def _follow(self, position: MongoPosition) -> None:
        self._moved_at = time.monotonic()
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
        return MongoPosition(dict(token), time_.time, 0)

    def _copied(self, start: MongoPosition) -> Iterator[Chunk]:
        rows, size = _Rows(self.name), 0
        with _translated(self.name, self._table):
            for index, document in enumerate(self._source().find().sort("_id", 1)):
                rows.add_copied(document, mongo_row(start.seconds, start.increment, index), start)
                size += len(document.raw)
                if index % COPY_ROWS == COPY_ROWS - 1 or size >= COPY_BYTES:
                    yield rows.chunk()
                    rows, size = _Rows(self.name), 0
        yield rows.chunk()

    def _changes(self, position: MongoPosition, pace: Pace) -> Sequence[Batch]:
        rows, filling = _Rows(self.name), Filling(pace)
        while filling.seconds_left > 0:
            event = self._next()
            if event is None:
                position = self._idle(position)
                continue
            position = _after(position, event)
            if event["operationType"] in _OPERATIONS:
                filling.add(1, len(event.raw))
                rows.add_event(event, position)
        if position == self._position:
            return []
        self._position, self._moved_at = position, time.monotonic()
        return [Batch(self._table, self.name, [rows.chunk()], position)]

    def _idle(self, position: MongoPosition) -> MongoPosition:
        """Move the token past what concerns other collections alone; it would age out of the oplog otherwise."""
        token = self._stream.resume_token if self._stream else None
        if token is None or time.monotonic() - self._moved_at < TOKEN_SECONDS:
            return position
        return replace(position, token=dict(token))

    def _next(self) -> RawBSONDocument | None:
        if self._stream is None or not self._stream.alive:
            raise SourceUnavailable(f"{self.name}: the change stream ended; was the collection dropped?")
        return self._stream.try_next()


class _Rows:
    """Bronze rows as they are gathered, and beside them the documents that cannot become one."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._rows: list[tuple[object, ...]] = []
        self._rejected: list[Rejected] = []

    def add_copied(self, document: RawBSONDocument, place: str, start: MongoPosition) -> None:
        """Take a document of the initial copy."""
        content = bytes(document.raw)
        try:
            decoded = bson.decode(content, _DECODED)
            identity, text = canonical(decoded["_id"]), canonical(decoded)
        except _UNDECODABLE as error:
            self._reject(snapshot_identity(content), error, content, None)
        else:
            self._rows.append((identity, text, "r", place, datetime.fromtimestamp(start.seconds, UTC)))

    def add_event(self, event: RawBSONDocument, position: MongoPosition) -> None:
        """Take an event of the change stream."""
        place = mongo_row(position.seconds, position.increment, position.index)
        operation, key = _OPERATIONS[event["operationType"]], bytes(event["documentKey"].raw)
        # An update whose document is gone was overtaken by a delete, which follows as an event of its own.
        document = event.get("fullDocument") if operation != "d" else None
        content = None if document is None else bytes(document.raw)
        try:
            identity = canonical(bson.decode(key, _DECODED)["_id"])
            text = None if content is None else canonical(bson.decode(content, _DECODED))
        except _UNDECODABLE as error:
            self._reject(place, error, content, key)
        else:
            self._rows.append((identity, text, operation, place, _moment(event)))

    def chunk(self) -> Chunk:
        """All of it."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(MONGO_SCHEMA)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, MONGO_SCHEMA, strict=True)]
        return Chunk(pa.Table.from_arrays(arrays, schema=MONGO_SCHEMA), self._rejected)

    def _reject(self, place: str, error: Exception, value: bytes | None, key: bytes | None) -> None:
        self._rejected.append(Rejected(self._source, place, "invalid_bson", str(error), value, key))


def canonical(value: object) -> str:
    """A BSON value as canonical extended JSON, version 2."""
    return dumps(value, json_options=CANONICAL_JSON_OPTIONS, ensure_ascii=False)


def _after(position: MongoPosition, event: RawBSONDocument) -> MongoPosition:
    cluster: Timestamp = event["clusterTime"]
    same = (cluster.time, cluster.inc) == (position.seconds, position.increment)
    index = position.index + 1 if same else 0
    return MongoPosition(dict(event["_id"]), cluster.time, cluster.inc, index)


def _moment(event: RawBSONDocument) -> datetime:
    wall: datetime | None = event.get("wallTime")
    if wall is not None:
        return wall
    return datetime.fromtimestamp(event["clusterTime"].time, UTC)


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
