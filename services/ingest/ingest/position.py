"""Positions: how far a bronze table has followed its source, and where in the source each row stands.

A table's position is recorded as JSON in the snapshot that holds the rows up to it. A row's position is text
that sorts in the order in which the source made the changes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from bson import json_util
from numpy.typing import NDArray

from ingest.errors import PositionLost
from ingest.primary_key import Key


@dataclass(frozen=True)
class Span:
    """Rows up to and including the primary key `last` (None: all further rows) were copied as they were at `lsn`."""

    lsn: int
    last: Key | None


@dataclass(frozen=True)
class PostgresPosition:
    """Every transaction whose commit record starts before `lsn` is in the table, as far as the table has its rows.

    Without `spans` it has them all. A copy that was killed goes on under a later snapshot, so its rows come from
    several moments: each span, in the order of the keys, says from which; changes before it are in its rows already.
    """

    lsn: int
    spans: tuple[Span, ...] = ()

    @property
    def copying(self) -> bool:
        """Whether rows of the table still wait to be copied."""
        return bool(self.spans) and self.spans[-1].last is not None


@dataclass(frozen=True)
class KafkaPosition:
    """Next offset to read of each partition; a partition without one is read from its beginning."""

    offsets: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MongoCopy:
    """A copy under way: the cluster time that its rows carry, their last running number, and the `_id` it has reached.

    `last` is canonical extended JSON; None is a copy before its first document.
    """

    seconds: int
    increment: int
    index: int
    last: str | None = None


@dataclass(frozen=True)
class MongoPosition:
    """The change stream's resume token, and the cluster time and running number of the last event that is in.

    While a collection is copied, `copy` says how far; every change since the copy's cluster time is in the stream.
    """

    token: Mapping[str, Any]
    seconds: int
    increment: int
    index: int = 0
    copy: MongoCopy | None = None

    def next_index(self, seconds: int, increment: int) -> int:
        """The first running number at a cluster time that no row of the table has."""
        used = [
            place for place in (self, self.copy) if place and (place.seconds, place.increment) == (seconds, increment)
        ]
        return max((place.index + 1 for place in used), default=0)


@dataclass(frozen=True)
class FilePosition:
    """How many files with rows are in, which was the last, and a hash over the sequence of all of them.

    It stays short however many files come. Which files are in is asked of the rows (`_source_file`, `_file_hash`):
    they outlive every snapshot, and a list of ten thousand names in each commit would cost more than the rows.
    """

    files: int = 0
    last: str = ""
    chain: str = ""

    def after(self, name: str, digest: str) -> "FilePosition":
        """The position when this file is in too."""
        link = json.dumps([self.chain, name, digest]).encode()
        return FilePosition(self.files + 1, name, hashlib.sha256(link).hexdigest())


Position = PostgresPosition | KafkaPosition | MongoPosition | FilePosition


def encode(position: Position) -> str:
    """The position as canonical JSON: equal positions give equal text, which the fence compares."""
    match position:
        case PostgresPosition(lsn, spans):
            body: dict[str, Any] = {"kind": "postgres", "lsn": f"{lsn:016X}"}
            if spans:
                body["spans"] = [{"lsn": f"{span.lsn:016X}", "last": span.last} for span in spans]
        case KafkaPosition(offsets):
            body = {"kind": "kafka", "offsets": {str(key): offsets[key] for key in sorted(offsets)}}
        case MongoPosition(token, _, _, _, copy):
            # A token may hold bytes (the type bits of a key that is a number), which plain JSON has no form for.
            body = {"kind": "mongo", "token": json.loads(json_util.dumps(dict(token))), "time": _time(position)}
            body |= {"copy": {"time": _time(copy), "last": copy.last}} if copy else {}
        case FilePosition(files, last, chain):
            body = {"kind": "files", "files": files, "last": last, "chain": chain}
    return json.dumps(body, separators=(",", ":"))


def _time(place: MongoPosition | MongoCopy) -> dict[str, int]:
    return {"seconds": place.seconds, "increment": place.increment, "index": place.index}


def decode(text: str) -> Position:
    """The position that `encode` wrote; raises PositionLost when the text is none."""
    try:
        return _decode(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PositionLost(
            f"the table's property shopsphere.position is not a position ({error}); was the table written by hand?",
            field="shopsphere.position",
        ) from error


def _decode(body: dict[str, Any]) -> Position:
    match body["kind"]:
        case "postgres":
            spans = (Span(int(span["lsn"], 16), _key(span["last"])) for span in body.get("spans", ()))
            return PostgresPosition(int(body["lsn"], 16), tuple(spans))
        case "kafka":
            return KafkaPosition({int(key): int(value) for key, value in body["offsets"].items()})
        case "mongo":
            copy = body.get("copy")
            under_way = MongoCopy(**copy["time"], last=copy["last"]) if copy else None
            return MongoPosition(json_util.loads(json.dumps(body["token"])), **body["time"], copy=under_way)
        case "files":
            return FilePosition(int(body["files"]), str(body["last"]), str(body["chain"]))
        case kind:
            raise ValueError(f"unknown kind {kind!r}")


def _key(texts: list[str] | None) -> Key | None:
    return None if texts is None else tuple(texts)


def parse_lsn(text: str) -> int:
    """An LSN as Postgres prints it ("16/B374D848") as a number."""
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)


def format_lsn(lsn: int) -> str:
    """An LSN as Postgres prints it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def postgres_rows(lsns: NDArray[np.int64], numbers: NDArray[np.int64]) -> pa.StringArray:
    """Positions of rows: commit LSN and number within the transaction, in 16 and 8 hexadecimal digits."""
    count = len(lsns)
    text = np.empty((count, _ROW_WIDTH), np.uint8)
    text[:, :16] = _hexadecimal(lsns.astype(">u8"))
    text[:, 16] = ord("/")
    text[:, 17:] = _hexadecimal(numbers.astype(">u4"))
    offsets = np.arange(0, (count + 1) * _ROW_WIDTH, _ROW_WIDTH, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets.tobytes()), pa.py_buffer(text.tobytes()))


_ROW_WIDTH = 25
# The two digits of each byte, as they lie in memory.
_DIGITS = np.frombuffer(b"".join(b"%02X" % byte for byte in range(256)), np.uint16)


def _hexadecimal(numbers: NDArray[Any]) -> NDArray[np.uint8]:
    """Big-endian numbers as rows of hexadecimal digits."""
    width = numbers.dtype.itemsize
    digits: NDArray[np.uint8] = _DIGITS[numbers.view(np.uint8).reshape(-1, width)].view(np.uint8)
    return digits


def snapshot_row_lsn(consistent_point: int) -> int:
    """The LSN that rows of the initial copy carry.

    The first streamed commit may start exactly at the consistent point. Records start at multiples of eight bytes, so
    the byte before it sorts the copy in front of every streamed change, and no commit ever has it.
    """
    return consistent_point - 1


def snapshot_identity(content: bytes) -> str:
    """What quarantine knows a row of an initial copy by.

    A copy that was killed is taken again from another point and in another order, so only the row itself stays.
    """
    return f"snapshot/{hashlib.sha256(content).hexdigest()}"


def mongo_row(seconds: int, increment: int, index: int) -> str:
    """Position of a change event: its cluster time and its running number among the events of that time."""
    return f"{seconds:010d}.{increment:010d}/{index:08d}"


def kafka_row(partition: int, offset: int) -> str:
    """Position of a Kafka record."""
    return f"{partition:05d}/{offset:020d}"


def file_version(name: str, digest: str) -> str:
    """What a file's rows and rejected records have in common: two versions of a file never share a position."""
    return f"{name}@{digest[:12]}"


def file_row(version: str, number: int) -> str:
    """Position of a record of a file: its running number, those that cannot be read counted too."""
    return f"{version}/{number:012d}"
