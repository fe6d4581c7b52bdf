"""MongoDB documents in quarantine, decoded anew."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import bson
from bson import Timestamp
from bson.raw_bson import RawBSONDocument

from ingest.batch import Rejected
from ingest.position import MongoCopy, MongoPosition
from ingest.rereading import Reread, identity
from ingest.sources.mongo_rows import DOCUMENT_BYTES, RAW, MongoRows
from ingest.tables import mongo_table

_KINDS = {"c": "insert", "u": "update", "d": "delete"}
# The server had not sent these whole: what quarantine has is the document of a later moment.
_NOT_AS_IT_WAS = frozenset({"event_too_large"})


class MongoAgain:
    """Reads documents again; those over `document_bytes` stay where they are."""

    def __init__(self, document_bytes: int = DOCUMENT_BYTES) -> None:
        self._document_bytes = document_bytes

    def __call__(self, source: str, records: Sequence[Rejected]) -> Reread:
        """See Reader."""
        rows = MongoRows(source, self._document_bytes)
        places: dict[tuple[str, str], str] = {}
        for record in records:
            origin: dict[str, str] = _origin(record)
            if record.reason in _NOT_AS_IT_WAS or "_position" not in origin:
                continue
            places[identity(record)] = origin["_position"]
            if origin["_op"] == "r":
                _add_copied(rows, record, origin["_position"])
            else:
                _add_event(rows, record, origin)
        collection = source.partition(".")[2]
        return Reread(mongo_table(collection), [rows.chunk().rows], places)


def _origin(record: Rejected) -> dict[str, str]:
    """`_op`, `_position` and `_committed_at` of the row that the record should have been."""
    known = json.loads(record.headers)
    if known:
        return dict(known)
    # Before they were noted, an event's position was all: a document that is there was created or updated.
    return {} if record.position.startswith("snapshot/") else {"_op": "u", "_position": record.position}


def _place(position: str) -> tuple[int, int, int]:
    time, _, index = position.partition("/")
    seconds, _, increment = time.partition(".")
    return int(seconds), int(increment), int(index)


def _add_copied(rows: MongoRows, record: Rejected, position: str) -> None:
    if record.value is not None:
        rows.add_copied(RawBSONDocument(record.value, RAW), MongoCopy(*_place(position)))


def _add_event(rows: MongoRows, record: Rejected, origin: dict[str, str]) -> None:
    seconds, increment, index = _place(origin["_position"])
    wall = origin.get("_committed_at")
    event: dict[str, Any] = {
        "operationType": _KINDS[origin["_op"]],
        "clusterTime": Timestamp(seconds, increment),
        "wallTime": datetime.fromisoformat(wall) if wall else datetime.fromtimestamp(seconds, UTC),
        "documentKey": RawBSONDocument(record.key or bson.encode({}), RAW),
    }
    if record.value is not None:
        event["fullDocument"] = RawBSONDocument(record.value, RAW)
    position = MongoPosition({}, seconds, increment, index)
    rows.add_event(RawBSONDocument(bson.encode(event), RAW), position)
