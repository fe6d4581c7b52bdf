"""Decoder of PostgreSQL's pgoutput plug-in, protocol version 1: bytes of one message → one frozen value.

Source: PostgreSQL manual, "Logical Replication Message Formats". Values stay the bytes of PostgreSQL's text form.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from ingest.errors import UndecodableMessage

# PostgreSQL counts microseconds from this moment.
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_INT16 = struct.Struct("!H")
_INT32 = struct.Struct("!I")
_COLUMN_TAIL = struct.Struct("!Ii")
_BEGIN = struct.Struct("!QqI")
_COMMIT = struct.Struct("!BQQq")
_TEXT, _NULL, _UNCHANGED = ord("t"), ord("n"), ord("u")
_NEW, _KEY, _OLD = ord("N"), ord("K"), ord("O")


class Unchanged(Enum):
    """Marks a TOASTed value that an update did not touch and the server therefore did not send."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
Value = bytes | None | Unchanged
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction starts; `final_lsn` is where its commit record starts."""

    final_lsn: int
    committed_at: datetime
    xid: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The transaction is complete; `end_lsn` is the first byte after its commit record."""

    commit_lsn: int
    end_lsn: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the relation describes it."""

    name: str
    type_oid: int
    type_modifier: int
    in_replica_identity: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table's columns; holds for the rows of that OID that follow."""

    oid: int
    namespace: str
    name: str
    replica_identity: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row."""

    oid: int
    new: Row


@dataclass(frozen=True, slots=True)
class Update:
    """A changed row; `old` is the whole old row (REPLICA IDENTITY FULL), or its key when the key changed, or absent."""

    oid: int
    old: Row | None
    new: Row
    old_is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """A deleted row; `old` as in Update, columns outside the replica identity are None."""

    oid: int
    old: Row


@dataclass(frozen=True, slots=True)
class Truncate:
    """Tables emptied together."""

    oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message that carries no rows (origin, type name, logical message)."""

    kind: str


Message = Begin | Commit | Relation | Insert | Update | Delete | Truncate | Ignored


def decode(data: bytes) -> Message:
    """Decode one message; raises UndecodableMessage when the bytes are not one."""
    if not data:
        raise UndecodableMessage("an empty replication message")
    decoder = _DECODERS.get(data[0])
    if decoder is None:
        raise UndecodableMessage(f"unknown pgoutput message type {data[:1]!r}; is proto_version 1 asked for?")
    try:
        return decoder(data)
    except (struct.error, IndexError, ValueError) as error:
        raise UndecodableMessage(f"pgoutput message {data[:1]!r} of {len(data)} bytes is cut or damaged") from error


def timestamp(microseconds: int) -> datetime:
    """A PostgreSQL timestamp (microseconds since 2000) as a moment."""
    return POSTGRES_EPOCH + timedelta(microseconds=microseconds)


def _begin(data: bytes) -> Begin:
    lsn, microseconds, xid = _BEGIN.unpack_from(data, 1)
    return Begin(lsn, timestamp(microseconds), xid)


def _commit(data: bytes) -> Commit:
    _, commit_lsn, end_lsn, microseconds = _COMMIT.unpack_from(data, 1)
    return Commit(commit_lsn, end_lsn, timestamp(microseconds))


def _relation(data: bytes) -> Relation:
    (oid,) = _INT32.unpack_from(data, 1)
    namespace, at = _string(data, 5)
    name, at = _string(data, at)
    identity = chr(data[at])
    (count,) = _INT16.unpack_from(data, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        column, at = _column(data, at)
        columns.append(column)
    return Relation(oid, namespace, name, identity, tuple(columns))


def _column(data: bytes, at: int) -> tuple[Column, int]:
    name, after = _string(data, at + 1)
    type_oid, modifier = _COLUMN_TAIL.unpack_from(data, after)
    return Column(name, type_oid, modifier, bool(data[at] & 1)), after + _COLUMN_TAIL.size


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1


def _insert(data: bytes) -> Insert:
    (oid,) = _INT32.unpack_from(data, 1)
    _expect(data[5] == _NEW)
    new, _ = _row(data, 6)
    return Insert(oid, new)


def _update(data: bytes) -> Update:
    (oid,) = _INT32.unpack_from(data, 1)
    old, at = None, 5
    old_is_whole = data[at] == _OLD
    if data[at] in (_KEY, _OLD):
        old, at = _row(data, at + 1)
    _expect(data[at] == _NEW)
    new, _ = _row(data, at + 1)
    return Update(oid, old, new, old_is_whole)


def _delete(data: bytes) -> Delete:
    (oid,) = _INT32.unpack_from(data, 1)
    _expect(data[5] in (_KEY, _OLD))
    old, _ = _row(data, 6)
    return Delete(oid, old)


def _truncate(data: bytes) -> Truncate:
    (count,) = _INT32.unpack_from(data, 1)
    return Truncate(struct.unpack_from(f"!{count}I", data, 6))


def _ignored(data: bytes) -> Ignored:
    return Ignored(chr(data[0]))


def _row(data: bytes, at: int) -> tuple[Row, int]:
    (count,) = _INT16.unpack_from(data, at)
    at += 2
    values: list[Value] = []
    for _ in range(count):
        kind = data[at]
        if kind == _TEXT:
            start = at + 5
            at = start + _INT32.unpack_from(data, at + 1)[0]
            _expect(at <= len(data))
            values.append(data[start:at])
        else:
            _expect(kind in (_NULL, _UNCHANGED))
            values.append(None if kind == _NULL else UNCHANGED)
            at += 1
    return tuple(values), at


def _expect(holds: bool) -> None:
    if not holds:
        raise ValueError("unexpected byte")


_DECODERS: dict[int, Callable[[bytes], Message]] = {
    ord("B"): _begin,
    ord("C"): _commit,
    ord("R"): _relation,
    ord("I"): _insert,
    ord("U"): _update,
    ord("D"): _delete,
    ord("T"): _truncate,
    ord("O"): _ignored,
    ord("Y"): _ignored,
    ord("M"): _ignored,
}
