"""The copy of a collection: where it starts, and its documents by `_id`, part by part."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bson import Timestamp
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from shopsphere_kit.logging import get_logger

from ingest.batch import Pace
from ingest.errors import SourceUnavailable
from ingest.position import MongoCopy
from ingest.sources.filling import Filling
from ingest.sources.mongo_rows import MongoRows, from_canonical, identity_of
from ingest.sources.mongo_stream import AWAIT_MS, Token

# A part is cut by rows and bytes. From a slow server it takes no longer than this, so that a stop need not wait.
PART_SECONDS = 5.0
PROGRESS_SECONDS = 10.0

_log = get_logger(__name__)


def starting_point(collection: Collection[RawBSONDocument]) -> tuple[Token, Timestamp]:
    """A resume token, and a cluster time before it: the stream has all that changes from now on, with a later time."""
    time_ = cluster_time(collection)
    with collection.watch(max_await_time_ms=AWAIT_MS) as stream:
        stream.try_next()
        token = stream.resume_token
    if token is None:
        raise SourceUnavailable(f"mongo:{collection.full_name}: the server gave no resume token; is it a replica set?")
    return dict(token), time_


def cluster_time(collection: Collection[Any], session: ClientSession | None = None) -> Timestamp:
    """The cluster time of the last operation on the primary."""
    answer = collection.database.command("ping", session=session)
    found: Timestamp = answer.get("operationTime") or answer["$clusterTime"]["clusterTime"]
    return found


class CollectionCopy:
    """One pass over a collection, in the order of `_id`, going on after the one that `copy` has reached.

    The pass is no snapshot: what changes meanwhile is in the stream, later than the cluster time that all rows carry.
    """

    def __init__(self, client: MongoClient[Any], collection: Collection[RawBSONDocument], copy: MongoCopy) -> None:
        self._name = f"mongo:{collection.full_name}"
        # Reads of the majority may lag behind the token; in a session that knows the primary's time they wait for it.
        self._session = client.start_session(causal_consistency=True)
        cluster_time(collection, self._session)
        self._documents = _documents(collection, self._session, copy.last)
        self._progress = _Progress(self._name, collection.estimated_document_count(), copy.index + 1)

    def read(self, copy: MongoCopy, rows: MongoRows, pace: Pace) -> tuple[MongoCopy, bool]:
        """Add the next part's rows; returns how far the copy is, and whether it is complete."""
        filling = Filling(replace(pace, seconds=max(pace.seconds, PART_SECONDS)))
        while filling.seconds_left > 0:
            document = next(self._documents, None)
            if document is None:
                self._progress.tell(copy.index + 1, complete=True)
                return copy, True
            filling.add(1, len(document.raw))
            copy = self._add(document, copy, rows)
        self._progress.tell(copy.index + 1)
        return copy, False

    def close(self) -> None:
        """Give back the server's cursor and session."""
        self._session.end_session()

    def _add(self, document: RawBSONDocument, copy: MongoCopy, rows: MongoRows) -> MongoCopy:
        following = replace(copy, index=copy.index + 1)
        identity = rows.add_copied(document, following)
        # Nothing goes on after an _id without a text: a copy killed there reads it again, and quarantine knows it.
        return following if identity is None else replace(following, last=identity)


class _Progress:
    """Says in the log how far a copy is, how fast it goes, and how long it still takes."""

    def __init__(self, name: str, total: int, rows: int) -> None:
        self._name, self._total, self._first = name, total, rows
        self._began = self._told = time.monotonic()
        _log.info("copying", source=name, rows=rows, of_about=total)

    def tell(self, rows: int, *, complete: bool = False) -> None:
        """Tell it, unless it was told just now."""
        now = time.monotonic()
        if not complete and now - self._told < PROGRESS_SECONDS:
            return
        self._told = now
        rate = (rows - self._first) / max(now - self._began, 0.001)
        left = 0.0 if complete else max(0, self._total - rows) / max(rate, 0.001)
        _log.info(
            "copied" if complete else "copying",
            source=self._name,
            rows=rows,
            of_about=self._total,
            rows_per_second=round(rate),
            seconds_left=round(left),
        )


def _documents(
    collection: Collection[RawBSONDocument], session: ClientSession, last: str | None
) -> Iterator[RawBSONDocument]:
    cursor = collection.find(session=session).sort("_id", ASCENDING)
    if last is None:
        yield from cursor
        return
    # A comparison by $gt sees values of one type alone; bounds of the index go on through all types.
    cursor = cursor.hint([("_id", ASCENDING)]).min([("_id", from_canonical(last))])
    first = next(cursor, None)
    if first is not None and identity_of(first) != last:
        yield first
    yield from cursor
