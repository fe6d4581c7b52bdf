"""A collection's change stream that outlives what ends a plain one: an event too large to send, and an invalidation."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo.change_stream import CollectionChangeStream
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

# How long the server may hold a request for the next events open, milliseconds.
AWAIT_MS = 100
# BSONObjectTooLarge: an event, with its update's description and the document looked up, is over 16 MiB.
TOO_LARGE = 10334
# A refused batch may have begun with events that fit; after so many events singly the next batch is tried.
SINGLY_EVENTS = 1_000
# How long to look for the event that was too large, seconds: the server looks through the log in pieces.
SKIM_SECONDS = 10.0
_WITHOUT_CONTENT = [{"$project": {"fullDocument": 0, "fullDocumentBeforeChange": 0, "updateDescription": 0}}]

Token = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """An event; one that is not whole came without its document."""

    event: RawBSONDocument
    whole: bool = True


class EventStream:
    """The events after a token; opened at once, so that a token that the server has forgotten shows at once."""

    def __init__(self, collection: Collection[RawBSONDocument], token: Token) -> None:
        self._collection = collection
        self._token = token
        self._singly = 0
        self._cursor: CollectionChangeStream[RawBSONDocument] | None = None
        try:
            self._open()
        except OperationFailure as error:
            self._narrow(error)

    @property
    def token(self) -> Token:
        """Where a new stream would go on: after the last event, or as far as the server has looked."""
        return self._token

    def next(self) -> Found | None:
        """The next event, or None when there is none yet."""
        try:
            event = self._live().try_next()
        except OperationFailure as error:
            return self.next() if self._narrow(error) else self._skim()
        if event is None:
            resume = self._cursor.resume_token if self._cursor else None
            self._token = dict(resume) if resume else self._token
            return None
        self._moved(event)
        return Found(event)

    def close(self) -> None:
        """Give back the server's cursor."""
        if self._cursor is not None:
            self._cursor.close()
        self._cursor = None

    def _live(self) -> CollectionChangeStream[RawBSONDocument]:
        return self._cursor if self._cursor is not None and self._cursor.alive else self._open()

    def _open(self) -> CollectionChangeStream[RawBSONDocument]:
        self._cursor = self._collection.watch(
            full_document="updateLookup",
            start_after=self._token,
            max_await_time_ms=AWAIT_MS,
            batch_size=1 if self._singly else None,
        )
        return self._cursor

    def _moved(self, event: RawBSONDocument) -> None:
        self._token = dict(event["_id"])
        was, self._singly = self._singly, max(0, self._singly - 1)
        # An invalidation ends the server's stream; what is made later under the same name follows after its token.
        if event["operationType"] == "invalidate" or was == 1:
            self.close()

    def _narrow(self, error: OperationFailure) -> bool:
        """Go over to single events; False when the next one alone is too large."""
        if error.code != TOO_LARGE:
            raise error
        self.close()
        known, self._singly = self._singly, SINGLY_EVENTS
        return not known

    def _skim(self) -> Found | None:
        deadline = time.monotonic() + SKIM_SECONDS
        with self._collection.watch(
            _WITHOUT_CONTENT, start_after=self._token, max_await_time_ms=AWAIT_MS, batch_size=1
        ) as cursor:
            event = cursor.try_next()
            while event is None and time.monotonic() < deadline:
                event = cursor.try_next()
        if event is None:
            return None
        self._moved(event)
        self._singly = 0
        return Found(event, whole=False)
