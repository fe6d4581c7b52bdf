"""Documents and change events as bronze rows, and beside them what cannot become one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import bson
import pyarrow as pa
from bson import Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from bson.json_util import CANONICAL_JSON_OPTIONS, JSONOptions, dumps, loads
from bson.raw_bson import RawBSONDocument

from ingest.batch import Chunk, Rejected
from ingest.position import MongoCopy, MongoPosition, mongo_row, snapshot_identity
from ingest.tables import MONGO_SCHEMA

# What MongoDB allows a stored document (manual, "BSON Document Size").
DOCUMENT_BYTES = 16 * 2**20
# Rows that wait as Python objects, which take several times the room of Arrow's columns.
_LOOSE_ROWS = 5_000
# The driver leaves documents as they came; each is decoded alone, so that one that cannot be does not stop the stream.
# A date beyond year 9999 is a valid document; it stays a number instead of an error.
_TIMES: dict[str, Any] = {"tz_aware": True, "datetime_conversion": DatetimeConversion.DATETIME_AUTO}
_DECODED: CodecOptions[dict[str, Any]] = CodecOptions(**_TIMES)
_IDENTITY: JSONOptions = CANONICAL_JSON_OPTIONS.with_options(**_TIMES)
RAW: CodecOptions[RawBSONDocument] = CodecOptions(RawBSONDocument, **_TIMES)
# What the decoder and the writer of JSON raise for bytes that a server stores all the same.
_UNDECODABLE = (BSONError, ValueError, TypeError, OverflowError, RecursionError)
OPERATIONS = {"insert": "c", "update": "u", "replace": "u", "delete": "d"}


class MongoRows:
    """Gathers the rows of one batch; a document over `limit` bytes goes to quarantine."""

    def __init__(self, source: str, limit: int = DOCUMENT_BYTES) -> None:
        self._source, self._limit = source, limit
        self._loose: list[tuple[object, ...]] = []
        self._tables: list[pa.Table] = []
        self._rejected: list[Rejected] = []

    def add_copied(self, document: RawBSONDocument, copy: MongoCopy) -> str | None:
        """Take a document of a copy as the copy's row of that number; returns its `_id`, None when it has no text."""
        content, place = bytes(document.raw), snapshot_identity(bytes(document.raw))
        origin = _origin("r", _row(copy), _moment(copy.seconds))
        try:
            decoded = bson.decode(content, _DECODED)
            identity = canonical(decoded["_id"])
            if self._fits(content, place, bson.encode({"_id": decoded["_id"]}), origin):
                self._add(identity, canonical(decoded), "r", _row(copy), _moment(copy.seconds))
        except _UNDECODABLE as error:
            self._reject(place, "invalid_bson", str(error), content, None, origin)
            return None
        return identity

    def add_event(self, event: RawBSONDocument, position: MongoPosition) -> None:
        """Take a change of a document."""
        operation, key = OPERATIONS[event["operationType"]], bytes(event["documentKey"].raw)
        # An update whose document is gone was overtaken by a delete, which follows as an event of its own.
        document = event.get("fullDocument") if operation != "d" else None
        content = None if document is None else bytes(document.raw)
        origin = _origin(operation, _row(position), _wall(event))
        try:
            identity = canonical(bson.decode(key, _DECODED)["_id"])
            if content is None:
                self._add(identity, None, operation, _row(position), _wall(event))
            elif self._fits(content, _row(position), key, origin):
                text = canonical(bson.decode(content, _DECODED))
                self._add(identity, text, operation, _row(position), _wall(event))
        except _UNDECODABLE as error:
            self._reject(_row(position), "invalid_bson", str(error), content, key, origin)

    def add_large(self, event: RawBSONDocument, position: MongoPosition, found: RawBSONDocument | None) -> None:
        """Take a change that the server could not send whole, with the document as it is now."""
        detail = f"{event['operationType']}: the change event is larger than the server can send"
        content = None if found is None else bytes(found.raw)
        origin = _origin(OPERATIONS[event["operationType"]], _row(position), _wall(event))
        self._reject(_row(position), "event_too_large", detail, content, bytes(event["documentKey"].raw), origin)

    def add_truncate(self, place: MongoPosition | MongoCopy, event: RawBSONDocument | None = None) -> None:
        """Everything before this row no longer counts."""
        moment = _moment(place.seconds) if event is None else _wall(event)
        self._add(None, None, "t", _row(place), moment)

    def chunk(self) -> Chunk:
        """All of it."""
        self._pack()
        return Chunk(pa.concat_tables([MONGO_SCHEMA.empty_table(), *self._tables]), self._rejected)

    def _add(self, *row: object) -> None:
        self._loose.append(row)
        if len(self._loose) >= _LOOSE_ROWS:
            self._pack()

    def _pack(self) -> None:
        columns = list(zip(*self._loose, strict=True)) or [()] * len(MONGO_SCHEMA)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, MONGO_SCHEMA, strict=True)]
        self._tables.append(pa.Table.from_arrays(arrays, schema=MONGO_SCHEMA))
        self._loose = []

    def _fits(self, content: bytes, place: str, key: bytes, origin: str) -> bool:
        if len(content) <= self._limit:
            return True
        detail = f"{len(content)} bytes; INGEST_MONGO_DOCUMENT_BYTES_MAX is {self._limit}"
        self._reject(place, "document_too_large", detail, content, key, origin)
        return False

    def _reject(
        self, place: str, reason: str, detail: str, value: bytes | None, key: bytes | None, origin: str
    ) -> None:
        self._rejected.append(Rejected(self._source, place, reason, detail, value, key, origin))


def identity_of(document: RawBSONDocument) -> str | None:
    """A document's `_id` as canonical extended JSON; None when it has no text."""
    try:
        return canonical(bson.decode(document.raw, _DECODED)["_id"])
    except _UNDECODABLE:
        return None


def canonical(value: object) -> str:
    """A BSON value as canonical extended JSON, version 2."""
    return dumps(value, json_options=CANONICAL_JSON_OPTIONS, ensure_ascii=False)


def from_canonical(text: str) -> Any:
    """The BSON value that `canonical` wrote."""
    return loads(text, json_options=_IDENTITY)


def after(position: MongoPosition, event: RawBSONDocument) -> MongoPosition:
    """The position that follows an event; events of one cluster time are numbered."""
    cluster: Timestamp = event["clusterTime"]
    same = (cluster.time, cluster.inc) == (position.seconds, position.increment)
    index = position.index + 1 if same else 0
    return replace(position, token=dict(event["_id"]), seconds=cluster.time, increment=cluster.inc, index=index)


def _row(place: MongoPosition | MongoCopy) -> str:
    return mongo_row(place.seconds, place.increment, place.index)


def _origin(operation: str, position: str, committed_at: datetime) -> str:
    """What the row would have had beside the document, for the day when the document can be read."""
    return json.dumps({"_op": operation, "_position": position, "_committed_at": str(committed_at)})


def _wall(event: RawBSONDocument) -> datetime:
    wall: datetime | None = event.get("wallTime")
    return _moment(event["clusterTime"].time) if wall is None else wall


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
