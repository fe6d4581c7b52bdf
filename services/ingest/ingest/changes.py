"""Row messages of one relation as bronze rows: operation, position, values, and what was not sent. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest import row_messages
from ingest.batch import Chunk
from ingest.pgoutput import POSTGRES_EPOCH, Column
from ingest.position import Span, postgres_rows
from ingest.postgres_types import Array
from ingest.primary_key import order
from ingest.row_messages import BYTES_MAX, DELETE, UPDATE, Flags, Integers, RowMessages, places
from ingest.rows import text_chunk
from ingest.tables import TIMESTAMP

_EPOCH_MICROSECONDS = int(POSTGRES_EPOCH.timestamp()) * 1_000_000
_OPERATIONS = pa.array(["c", "u", "d"])
# A change of the primary key is two rows, so each message has two numbers: its own, and the one after it.
NUMBERS_PER_MESSAGE = 2

# A truncate: its transaction's commit LSN, its number in it, and the transaction's time (microseconds since 2000).
Truncated = tuple[int, int, int]


@dataclass(frozen=True)
class Described:
    """A table as one relation message describes it, with the places of its primary key's columns."""

    source: str
    columns: tuple[Column, ...]
    key: tuple[int, ...]


@dataclass
class Log:
    """Row messages in their order, each with its number in its transaction; `runs` say which transaction is whose.

    A run is the index of the transaction's first message here, its commit LSN, and its time (microseconds since 2000).
    """

    messages: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    runs: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, message: bytes, number: int, lsn: int, microseconds: int) -> None:
        """Take the next message."""
        if not self.runs or self.runs[-1][1] != lsn:
            self.runs.append((len(self.messages), lsn, microseconds))
        self.messages.append(message)
        self.numbers.append(number)

    def extend(self, later: "Log") -> None:
        """Take another log's messages, of later transactions."""
        count = len(self.messages)
        self.runs += [(count + begin, lsn, microseconds) for begin, lsn, microseconds in later.runs]
        self.messages += later.messages
        self.numbers += later.numbers

    def halves(self) -> tuple["Log", "Log"]:
        """The first half of the messages, and the rest."""
        first, rest = Log(), Log()
        lsns, moments = self.stamps()
        stamped = zip(self.messages, self.numbers, lsns.tolist(), moments.tolist(), strict=True)
        for place, (message, number, lsn, microseconds) in enumerate(stamped):
            (first if 2 * place < len(self.messages) else rest).add(message, number, lsn, microseconds)
        return first, rest

    def stamps(self) -> tuple[Integers, Integers]:
        """By message: the commit LSN and the time of its transaction."""
        begins = [begin for begin, _, _ in self.runs]
        lengths = np.diff([*begins, len(self.messages)])
        return (
            np.repeat(np.array([lsn for _, lsn, _ in self.runs], np.int64), lengths),
            np.repeat(np.array([at for _, _, at in self.runs], np.int64), lengths),
        )


def chunks(table: Described, log: Log, spans: Sequence[Span] = ()) -> Iterator[Chunk]:
    """The messages as bronze rows; changes that the copy of their span has already are left out."""
    if sum(map(len, log.messages)) > BYTES_MAX and len(log.messages) > 1:
        for half in log.halves():
            yield from chunks(table, half, spans)
        return
    if log.messages:
        yield _chunk(table, _Rows(table, row_messages.decode(log.messages, len(table.columns)), log), spans)


def truncate_chunk(table: Described, truncated: Truncated) -> Chunk:
    """The one row that says that the table was emptied."""
    lsn, number, microseconds = truncated
    texts: list[Array] = [pa.nulls(1, pa.string()) for _ in table.columns]
    position = postgres_rows(np.array([lsn]), np.array([number * NUMBERS_PER_MESSAGE]))
    control: list[Array] = [pa.array(["t"]), position, _moments(np.array([microseconds])), pa.nulls(1, pa.string())]
    return text_chunk(table.columns, texts, control, source=table.source)


class _Rows:
    """Decoded messages with a primary-key change taken apart: the old row is deleted, the new one created."""

    def __init__(self, table: Described, decoded: RowMessages, log: Log) -> None:
        self._decoded = decoded
        count = len(decoded.types)
        self._whole_old = decoded.has_old & decoded.old_is_whole
        self.unchanged = [self._left_out(place) for place in range(len(table.columns))]
        self.values = [self._filled(place) for place in range(len(table.columns))]
        split = self._key_changed(table.key)
        # What comes out, by message, and before a message that is split its old row.
        self.message: Integers = np.repeat(np.arange(count), 1 + split)
        again = np.zeros(len(self.message), np.bool_)
        again[1:] = self.message[1:] == self.message[:-1]
        self.is_old: Flags = split[self.message] & ~again
        self._split, self._again = split, again
        self.lsns, self.moments = (stamps[self.message] for stamps in log.stamps())
        self.numbers = np.array(log.numbers, np.int64)[self.message] * NUMBERS_PER_MESSAGE + again

    def operations(self) -> Array:
        types = self._decoded.types[self.message]
        code = np.select([types == DELETE, (types == UPDATE) & ~self._split[self.message]], [2, 1], 0)
        return _OPERATIONS.take(places(np.where(self.is_old, 2, code)))

    def column(self, place: int) -> Array:
        if not self._split.any():
            return self.values[place]
        both = pa.concat_arrays([self.values[place], self._decoded.old.column(place)])
        old = len(self.values[place]) + self._decoded.old_place[self.message]
        return both.take(places(np.where(self.is_old, old, self.message)))

    def not_sent(self, columns: Sequence[Column]) -> Array:
        flagged = {place: flags for place, flags in enumerate(self.unchanged) if flags.any()}
        if not flagged:
            return pa.nulls(len(self.message), pa.string())
        names: list[str | None] = [None] * len(self.message)
        for row in np.flatnonzero(np.logical_or.reduce(list(flagged.values()))[self.message] & ~self.is_old):
            missing = [columns[place].name for place in flagged if flagged[place][self.message[row]]]
            names[row] = json.dumps(missing, ensure_ascii=False)
        return pa.array(names, pa.string())

    def _left_out(self, place: int) -> Flags:
        """The values that neither the new nor a whole old tuple has."""
        unchanged = self._decoded.rows.unchanged(place)
        return unchanged & ~self._whole_old if unchanged.any() else unchanged

    def _filled(self, place: int) -> Array:
        """A column, with values that an update did not touch taken from the old row."""
        values = self._decoded.rows.column(place)
        fill = self._decoded.rows.unchanged(place) & self._whole_old
        if not fill.any():
            return values
        both = pa.concat_arrays([values, self._decoded.old.column(place)])
        return both.take(places(np.where(fill, len(values) + self._decoded.old_place, np.arange(len(values)))))

    def _key_changed(self, key: Sequence[int]) -> Flags:
        has_old = self._decoded.has_old
        changed = np.zeros(len(has_old), np.bool_)
        if has_old.any():
            now = places(np.flatnonzero(has_old))
            for place in key:
                old, new = self._decoded.old.column(place), self.values[place].take(now)
                differ = pc.not_equal(old, new).fill_null(False)
                changed[has_old] |= differ.to_numpy(zero_copy_only=False) & ~self.unchanged[place][has_old]
        return changed


def _chunk(table: Described, rows: _Rows, spans: Sequence[Span]) -> Chunk:
    texts = [rows.column(place) for place in range(len(table.columns))]
    control = [
        rows.operations(),
        postgres_rows(rows.lsns, rows.numbers),
        _moments(rows.moments),
        rows.not_sent(table.columns),
    ]
    if spans and rows.lsns.min() < spans[-1].lsn:
        wanted = pa.array(_after_their_copy(table, texts, rows.lsns, spans))
        texts, control = ([array.filter(wanted) for array in arrays] for arrays in (texts, control))
    return text_chunk(table.columns, texts, control, source=table.source)


def _moments(microseconds: NDArray[np.int64]) -> Array:
    return pa.array(microseconds + _EPOCH_MICROSECONDS, pa.int64()).view(TIMESTAMP)


def _after_their_copy(table: Described, texts: Sequence[Array], lsns: Integers, spans: Sequence[Span]) -> list[bool]:
    """Which changes their rows' copy does not have yet."""
    columns = [table.columns[place] for place in table.key]
    bounds = [(span.lsn, order(columns, span.last) if span.last is not None else None) for span in spans]
    keys = zip(*(texts[place].cast(pa.string()).to_pylist() for place in table.key), strict=True)
    copied_at = [next(lsn for lsn, last in bounds if last is None or order(columns, key) <= last) for key in keys]
    wanted: Flags = lsns >= np.array(copied_at)
    return [bool(flag) for flag in wanted]
