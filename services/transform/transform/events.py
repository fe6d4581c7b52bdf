"""Events of a change log, one JSON object a line, told apart into facts and lines that no history can use.

An event has the columns of the key, a sequence, `_op` (`u` sets all attributes, `d` deletes the key, `t` empties the
table; `u` when there is none) and any attributes. An attribute that is not there is null.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from transform.exact_json import canonical, parsed
from transform.scd2 import STAMPS
from transform.sequences import NUMBER, TIMESTAMP, Place, sequence_of

UPDATE, DELETE, TRUNCATE = "u", "d", "t"
# The columns that the history itself has.
RESERVED = STAMPS[:3]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Fact:
    """An event that counts. Keys and attributes are JSON texts in their one spelling; no attribute is null."""

    op: str
    key: Key
    at: Place
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rejected:
    """A line that no history can use; `line` counts from 1."""

    line: int
    reason: str
    detail: str
    text: str


@dataclass(frozen=True)
class Delivered:
    """A fact as it came: in which line and with which batch."""

    fact: Fact
    line: int
    batch: object = None
    named: tuple[str, ...] = ()
    """The attributes that the line has, those that it says are null among them."""


@dataclass(frozen=True)
class Columns:
    """Which columns of an event are its key, its sequence and, if there is one, its batch."""

    key: tuple[str, ...]
    sequence: str
    batch: str | None = None


class _Unusable(ValueError):
    """Why a line is no fact: a short reason, and what to do about it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def read(lines: Iterable[str], columns: Columns) -> tuple[list[Delivered], list[Rejected]]:
    """The facts and the rejected lines; blank lines are neither."""
    delivered: list[Delivered] = []
    rejected: list[Rejected] = []
    texts: dict[int, str] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        texts[number] = text
        try:
            delivered.append(_delivered(text, number, columns))
        except _Unusable as trouble:
            rejected.append(Rejected(number, trouble.reason, trouble.detail, text.rstrip("\r\n")))
    clean, mixed = _of_one_kind(delivered, texts, columns.sequence)
    return clean, sorted([*rejected, *mixed], key=lambda one: one.line)


def _delivered(text: str, line: int, columns: Columns) -> Delivered:
    event = _event(text)
    op = event.get("_op")
    op = UPDATE if op is None else op
    if op not in (UPDATE, DELETE, TRUNCATE):
        raise _Unusable("unknown_op", f"_op is {canonical(op)}; it is u (update), d (delete) or t (truncate)")
    at = _sequence(event, columns.sequence)
    key = () if op == TRUNCATE else _key(event, columns.key)
    named = _named(event, columns) if op == UPDATE else ()
    said = tuple((name, canonical(event[name])) for name in named if event[name] is not None)
    return Delivered(Fact(str(op), key, at, said), line, event.get(columns.batch) if columns.batch else None, named)


def _event(text: str) -> dict[str, object]:
    try:
        text.encode()  # a byte that is no UTF-8 was read as half a surrogate pair
        event = parsed(text)
    except (ValueError, ArithmeticError) as error:
        raise _Unusable("not_json", f"the line is no JSON: {error}") from error
    if not isinstance(event, dict):
        raise _Unusable("not_an_object", 'the line is no JSON object; write {"column": value, …}')
    return event


def _sequence(event: dict[str, object], column: str) -> Place:
    value = event.get(column)
    if value is None:
        raise _Unusable("null_sequence", f"{column} is missing or null, so the event has no place in the order")
    at = sequence_of(value)
    if at is None:
        raise _Unusable("not_a_sequence", f"{column} is {canonical(value)}; it is a number or an ISO 8601 timestamp")
    return at


def _key(event: dict[str, object], columns: Sequence[str]) -> Key:
    for column in columns:
        if event.get(column) is None:
            raise _Unusable("null_key", f"{column} is missing or null, so the event belongs to nobody")
    return tuple(canonical(event[column]) for column in columns)


def _named(event: dict[str, object], columns: Columns) -> tuple[str, ...]:
    own = {*columns.key, columns.sequence, columns.batch, "_op"}
    if taken := [name for name in RESERVED if event.get(name) is not None and name not in own]:
        raise _Unusable("reserved_attribute", f"{taken[0]} is a column of the history itself; rename the attribute")
    return tuple(sorted(event.keys() - own - {*RESERVED}))


def _of_one_kind(
    delivered: list[Delivered], texts: dict[int, str], column: str
) -> tuple[list[Delivered], list[Rejected]]:
    """Numbers and timestamps have no common order: the kind of fewer facts is rejected, or timestamps of as many.

    The order of the lines plays no part in it, nor does how often one came.
    """
    count = Counter(fact.at.kind for fact in {one.fact for one in delivered})
    kept = TIMESTAMP if count[TIMESTAMP] > count[NUMBER] else NUMBER
    detail = (
        f"{column} is a {TIMESTAMP if kept == NUMBER else NUMBER} here and a {kept} in most events; make it one kind"
    )
    mixed = [
        Rejected(one.line, "mixed_sequence", detail, texts[one.line].rstrip("\r\n"))
        for one in delivered
        if one.fact.at.kind != kept
    ]
    return [one for one in delivered if one.fact.at.kind == kept], mixed


def as_json(rejected: Rejected) -> dict[str, object]:
    """A rejected line as the quarantine shows it."""
    return {"line": rejected.line, "reason": rejected.reason, "detail": rejected.detail, "text": rejected.text}


def in_batches(delivered: Iterable[Delivered]) -> list[list[Fact]]:
    """The facts by batch, the batches in the order of their column: null, booleans, numbers, texts, others."""
    by_batch: dict[str, tuple[object, list[Fact]]] = {}
    for one in delivered:
        by_batch.setdefault(canonical(one.batch), (one.batch, []))[1].append(one.fact)
    return [facts for _, facts in sorted(by_batch.values(), key=lambda pair: rank(pair[0]))]


def rank(value: object) -> tuple[int, object]:
    """A place of any JSON value among all others: null and booleans, numbers by value, texts, then the rest."""
    if isinstance(value, bool) or value is None:
        return (0, canonical(value))
    if isinstance(value, int | Decimal):
        return (1, value)
    return (2, value) if isinstance(value, str) else (3, canonical(value))
