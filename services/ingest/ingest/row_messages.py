"""Insert, update and delete messages of one relation, decoded together: one pass over all of them per column. Pure.

A message at a time costs some microseconds a row in Python; here each column is a handful of array operations over
the concatenated bytes. Source of the format: PostgreSQL manual, "Logical Replication Message Formats" (TupleData).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.errors import UndecodableMessage
from ingest.postgres_types import Array

INSERT, UPDATE, DELETE = ord("I"), ord("U"), ord("D")
KINDS = frozenset((INSERT, UPDATE, DELETE))
_NEW, _KEY, _OLD = ord("N"), ord("K"), ord("O")
_TEXT, _NULL, _UNCHANGED = ord("t"), ord("n"), ord("u")
# A message: its type, the relation's OID (four bytes), what kind of tuple follows (one byte), tuples.
_TUPLE_KIND, _TUPLE = 5, 6
# Offsets into Arrow's text are 32 bits wide.
BYTES_MAX = 2**31 - 1

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Tuples:
    """Some tuples inside one buffer, with the place, length and kind of each value by column."""

    def __init__(self, buffer: bytes, at: Integers, columns: int) -> None:
        self._buffer = buffer
        self._bytes: NDArray[np.uint8] = np.frombuffer(buffer, np.uint8)
        self._at: list[tuple[Integers, Integers]] = []
        self.kinds: list[NDArray[np.uint8]] = []
        counts = _unsigned(buffer, ">u2")[at]
        if not np.all(counts == columns):
            raise ValueError(f"a tuple of another number of values than {columns}")
        self.end = at + 2
        self._lengths = _unsigned(buffer, ">u4")
        for _ in range(columns):
            self._walk()

    def column(self, place: int) -> Array:
        """The values of a column as bytes; null where there is none or it was not sent."""
        start, length = self._at[place]
        count = len(start)
        # The values and what lies between them, in turn, are one array over the very bytes that came.
        offsets = np.empty(2 * count + 1, np.int32)
        offsets[0:-1:2], offsets[1::2] = start, start + length
        offsets[-1] = offsets[-2] if count else 0
        buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(self._buffer)]
        alternating = pa.Array.from_buffers(pa.binary(), 2 * count, buffers)
        return alternating.take(places(np.arange(0, 2 * count, 2), mask=self.kinds[place] != _TEXT))

    def unchanged(self, place: int) -> Flags:
        """Which values of a column were not sent because the update did not touch them."""
        flags: Flags = self.kinds[place] == _UNCHANGED
        return flags

    def _walk(self) -> None:
        kind = self._bytes[self.end]
        sent = kind == _TEXT
        if not np.all(sent | (kind == _NULL) | (kind == _UNCHANGED)):
            raise ValueError("a value of an unknown kind")
        length = np.zeros(len(kind), np.int64)
        length[sent] = self._lengths[self.end[sent] + 1]
        start = self.end + np.where(sent, 5, 1)
        self.kinds.append(kind)
        self._at.append((start, length))
        self.end = start + length


@dataclass(frozen=True)
class RowMessages:
    """Messages of one relation in their order: `rows` are the new tuples, of a delete the old one.

    `old` are the old tuples of those updates that carry one, `has_old` says which; `old_is_whole` that the old tuple is
    the whole row (REPLICA IDENTITY FULL) and not its key alone.
    """

    types: NDArray[np.uint8]
    rows: Tuples
    old: Tuples
    has_old: Flags
    old_is_whole: Flags

    @cached_property
    def old_place(self) -> Integers:
        """By message: where in `old` its old tuple stands; without meaning for others."""
        place: Integers = np.cumsum(self.has_old) - 1
        return place


def decode(messages: Sequence[bytes], columns: int) -> RowMessages:
    """Decode messages of a relation with so many columns; raises UndecodableMessage when one is damaged."""
    try:
        return _decode(messages, columns)
    except (IndexError, ValueError) as error:
        raise UndecodableMessage(
            f"one of {len(messages)} row messages of pgoutput is cut or damaged: {error}"
        ) from error


def _decode(messages: Sequence[bytes], columns: int) -> RowMessages:
    buffer = b"".join(messages)
    content: NDArray[np.uint8] = np.frombuffer(buffer, np.uint8)
    lengths = np.array([len(message) for message in messages], np.int64)
    ends: Integers = np.cumsum(lengths)
    begins = ends - lengths
    types, first = content[begins], content[begins + _TUPLE_KIND]
    has_old = (types == UPDATE) & (first != _NEW)
    _expect(np.where(types == INSERT, first == _NEW, (first == _KEY) | (first == _OLD) | (types == UPDATE)))
    old = Tuples(buffer, begins[has_old] + _TUPLE, columns)
    _expect(content[old.end] == _NEW)
    at = begins + _TUPLE
    at[has_old] = old.end + 1
    rows = Tuples(buffer, at, columns)
    _expect(rows.end == ends)
    return RowMessages(types, rows, old, has_old, first == _OLD)


def places(numbers: Integers, mask: Flags | None = None) -> pa.Int64Array:
    """Row numbers to take from an array; null where masked."""
    return pa.array(numbers, pa.int64(), mask=mask)


def _unsigned(buffer: bytes, kind: str) -> NDArray[Any]:
    """Big-endian numbers, one starting at every byte."""
    width = np.dtype(kind).itemsize
    return np.ndarray((max(0, len(buffer) - width + 1),), kind, buffer, strides=(1,))


def _expect(holds: Flags) -> None:
    if not np.all(holds):
        raise ValueError("an unexpected byte")
