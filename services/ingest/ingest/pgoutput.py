"""Decoder of PostgreSQL's pgoutput plug-in, protocol version 1: bytes of one message → one frozen value.

Rows come by the thousand and are decoded together, in `row_messages.py`. Source: PostgreSQL manual, "Logical
Replication Message Formats".
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest.errors import UndecodableMessage

# PostgreSQL counts microseconds from this moment.
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_INT16 = struct.Struct("!H")
_INT32 = struct.Struct("!I")
_COLUMN_TAIL = struct.Struct("!Ii")
_BEGIN = struct.Struct("!QqI")
_COMMIT = struct.Struct("!BQQq")


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction starts; `final_lsn` is where its commit record starts, `committed_at` microseconds since 2000."""

    final_lsn: int
    committed_at: int
    xid: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The transaction is complete; `end_lsn` is the first byte after its commit record."""

    commit_lsn: int
    end_lsn: int


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
class Truncate:
    """Tables emptied together."""

    oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message that carries no rows (origin, type name, logical message)."""

    kind: str


Message = Begin | Commit | Relation | Truncate | Ignored


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


def _begin(data: bytes) -> Begin:
    lsn, microseconds, xid = _BEGIN.unpack_from(data, 1)
    return Begin(lsn, microseconds, xid)


def _commit(data: bytes) -> Commit:
    _, commit_lsn, end_lsn, _ = _COMMIT.unpack_from(data, 1)
    return Commit(commit_lsn, end_lsn)


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


def _truncate(data: bytes) -> Truncate:
    (count,) = _INT32.unpack_from(data, 1)
    return Truncate(struct.unpack_from(f"!{count}I", data, 6))


def _ignored(data: bytes) -> Ignored:
    return Ignored(chr(data[0]))


_DECODERS: dict[int, Callable[[bytes], Message]] = {
    ord("B"): _begin,
    ord("C"): _commit,
    ord("R"): _relation,
    ord("T"): _truncate,
    ord("O"): _ignored,
    ord("Y"): _ignored,
    ord("M"): _ignored,
}
