"""A MongoDB collection: copied by _id, and followed through its change stream from a token taken before the copy."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pyarrow as pa
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from shopsphere_kit.logging import get_logger

from ingest import metrics
from ingest.batch import Batch, Pace
from ingest.errors import PositionLost, SourceUnavailable
from ingest.position import MongoCopy, MongoPosition
from ingest.sources.filling import Filling
from ingest.sources.mongo_copy import CollectionCopy, starting_point
from ingest.sources.mongo_rows import DOCUMENT_BYTES, OPERATIONS, RAW, MongoRows, after
from ingest.sources.mongo_stream import EventStream, Found
from ingest.sources.source import Positions
from ingest.tables import MONGO_SCHEMA, mongo_table

# A token without rows behind it is recorded so often: rarely enough for a commit, and long before it ages out.
TOKEN_SECONDS = 300.0
# A copy makes way for the stream so often: its token keeps up with the log, however long the copy takes.
CATCH_UP_SECONDS = 5.0
# ChangeStreamHistoryLost and ChangeStreamFatalError: the log no longer has the token or what follows it. Servers differ
# in an error's labels, not in its code.
HISTORY_LOST = frozenset({286, 280})
# InvalidResumeToken: it is no token of this collection at all.
INVALID_TOKEN = 260
_EMPTIED = frozenset({"drop", "rename", "dropDatabase"})

T = TypeVar("T")
_log = get_logger(__name__)


class MongoCollection:
    """Reads one collection; documents over `document_bytes` go to quarantine."""

    def __init__(
        self,
        database: str,
        collection: str,
        connect: Callable[[], MongoClient[dict[str, Any]]],
        document_bytes: int = DOCUMENT_BYTES,
    ) -> None:
        self._database, self._collection, self._table = database, collection, mongo_table(collection)
        self._connect, self._document_bytes = connect, document_bytes
        self._client: MongoClient[Any] | None = None
        self._stream: EventStream | None = None
        self._copy: CollectionCopy | None = None
        self._position: MongoPosition | None = None
        # A copy anew first says that what the table has no longer counts.
        self._emptied = self._replaced = False
        self._moved_at = self._caught_up_at = 0.0

    @property
    def name(self) -> str:
        """See Source."""
        return f"mongo:{self._database}.{self._collection}"

    @property
    def fixed_tables(self) -> dict[str, pa.Schema]:
        """See Source."""
        return {self._table: MONGO_SCHEMA}

    def open(self, positions: Positions) -> None:
        """See Source; without a recorded position the first reads are the whole collection."""
        recorded = positions(self._table)
        self._position = recorded if isinstance(recorded, MongoPosition) else None
        self._emptied = self._replaced = False
        with _translated(self.name, self._table):
            self._client = self._connect()
            self._recovering(self._follow if self._position else self._begin)

    def read(self, pace: Pace) -> Sequence[Batch]:
        """See Source; a part of the copy while it lasts, now and then the changes since."""
        with _translated(self.name, self._table):
            return self._recovering(lambda: self._read(pace))

    def acknowledge(self) -> None:
        """See Source; MongoDB keeps its oplog by age and size, not by reader."""

    def close(self) -> None:
        """See Source."""
        self._copy = None
        if self._client is not None:
            self._client.close()
        self._client, self._stream = None, None

    def _source(self) -> Collection[RawBSONDocument]:
        # What the majority has not got yet may be rolled back; bronze would keep it.
        return self._opened()[self._database].get_collection(
            self._collection, codec_options=RAW, read_concern=ReadConcern("majority")
        )

    def _opened(self) -> MongoClient[Any]:
        if self._client is None:
            raise SourceUnavailable(f"{self.name} is not open")
        return self._client

    def _recovering(self, work: Callable[[], T]) -> T:
        """Do the work; when the log has lost what follows the position, begin anew and do it then."""
        try:
            return work()
        except OperationFailure as error:
            if error.code not in HISTORY_LOST:
                raise
            self._begin_anew(f"the oplog no longer holds what follows the recorded token ({error.code})")
            return work()

    def _begin_anew(self, why: str) -> None:
        _log.warning("copying anew; changes since the recorded position are lost as changes", source=self.name, why=why)
        metrics.RECOPIES.labels(self.name).inc()
        self._begin()

    def _begin(self) -> None:
        """Take a new starting point; the copy's rows carry its time and follow everything that the table has."""
        token, time_ = starting_point(self._source())
        known, first = self._position, 0
        if known is not None:
            first = known.next_index(time_.time, time_.inc)
            if (time_.time, time_.inc) < (known.seconds, known.increment):
                raise PositionLost(
                    f"{self.name}: the cluster time is before the recorded one; was the server replaced, or restored "
                    f"from a backup? Drop {self._table} to copy anew",
                    field=self._table,
                )
        copy = MongoCopy(time_.time, time_.inc, first - 1)
        self._position = MongoPosition(token, time_.time, time_.inc, max(0, first - 1), copy)
        self._emptied, self._replaced = known is not None, False
        self._end_copy()
        self._follow()

    def _follow(self) -> None:
        if self._position is not None:
            self._moved_at = self._caught_up_at = time.monotonic()
            self._stream = EventStream(self._source(), self._position.token)

    def _read(self, pace: Pace) -> Sequence[Batch]:
        if self._replaced:
            self._begin_anew("another collection took the name")
        position = self._position
        if position is None or self._stream is None:
            raise SourceUnavailable(f"{self.name} is not open")
        if position.copy is None:
            return self._changes(position, self._stream, pace)
        if not self._emptied and time.monotonic() - self._caught_up_at >= CATCH_UP_SECONDS:
            changes = self._changes(position, self._stream, pace)
            self._caught_up_at = time.monotonic()
            if changes:
                return changes
        return [self._copied(position, position.copy, pace)]

    def _copied(self, position: MongoPosition, copy: MongoCopy, pace: Pace) -> Batch:
        rows = MongoRows(self.name, self._document_bytes)
        if self._emptied:
            copy = replace(copy, index=copy.index + 1)
            rows.add_truncate(copy)
        self._copy = self._copy or CollectionCopy(self._opened(), self._source(), copy)
        copy, complete = self._copy.read(copy, rows, pace)
        self._emptied = False
        following = replace(position, copy=copy)
        if complete:
            self._end_copy()
            used = following.next_index(position.seconds, position.increment) - 1
            following = replace(following, index=used, copy=None)
        self._position = following
        return Batch(self._table, self.name, [rows.chunk()], following)

    def _end_copy(self) -> None:
        if self._copy is not None:
            self._copy.close()
        self._copy = None

    def _changes(self, position: MongoPosition, stream: EventStream, pace: Pace) -> Sequence[Batch]:
        rows, filling = MongoRows(self.name, self._document_bytes), Filling(pace)
        while filling.seconds_left > 0 and not self._replaced:
            found = stream.next()
            if found is not None:
                position = self._take(found, position, rows, filling)
                continue
            position = self._idle(position, stream)
            if position.copy:
                break
        if position == self._position:
            return []
        self._position, self._moved_at = position, time.monotonic()
        return [Batch(self._table, self.name, [rows.chunk()], position)]

    def _take(self, found: Found, position: MongoPosition, rows: MongoRows, filling: Filling) -> MongoPosition:
        event, following = found.event, after(position, found.event)
        kind: str = event["operationType"]
        if kind in OPERATIONS:
            filling.add(1, len(event.raw))
            if found.whole:
                rows.add_event(event, following)
            else:
                rows.add_large(event, following, self._source().find_one(event["documentKey"]))
        elif kind == "rename" and dict(event["to"]) == {"db": self._database, "coll": self._collection}:
            # No event tells of the documents that the name now stands for.
            self._replaced = True
            return position
        elif kind in _EMPTIED or (kind == "invalidate" and following.index == 0):
            # An invalidation follows what it is of at the same time, and says nothing more.
            _log.warning("the collection is gone; what the table has no longer counts", source=self.name, why=kind)
            filling.add(1, len(event.raw))
            rows.add_truncate(following, event)
            self._end_copy()
            return replace(following, copy=None)
        return following

    def _idle(self, position: MongoPosition, stream: EventStream) -> MongoPosition:
        """Move the token past what concerns other collections alone; it would age out of the oplog otherwise."""
        if time.monotonic() - self._moved_at < TOKEN_SECONDS:
            return position
        return replace(position, token=dict(stream.token))


class _translated:  # noqa: N801 - reads as a verb where it is used
    """Turns the driver's errors into the two that ingest knows."""

    def __init__(self, name: str, table: str) -> None:
        self._name, self._table = name, table

    def __enter__(self) -> None:
        """Enter."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Raise what the driver's error means."""
        if isinstance(error, OperationFailure) and error.code == INVALID_TOKEN:
            raise PositionLost(
                f"{self._name}: the recorded token is none of this collection's; is INGEST_MONGO_URI another server? "
                f"Drop {self._table} to copy anew",
                field=self._table,
            ) from error
        if isinstance(error, PyMongoError):
            raise SourceUnavailable(f"{self._name}: {error}") from error
