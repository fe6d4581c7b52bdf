"""The rules of `transform/scd2.py` once more, change by change in plain Python: slow, and short enough to be believed.

The tests hold the two together on changes nobody chose.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

import pyarrow as pa
from transform import scd2


@dataclass(frozen=True)
class Change:
    """One fact of the source: the attributes of a key, or its deletion, and the time that the source gives it."""

    key: str
    at: datetime
    position: str
    attributes: tuple[object, ...]
    deleted: bool = False
    exists_since: datetime | None = None


@dataclass(frozen=True)
class Version:
    """What was true of a key from `valid_from` until before `end_date`."""

    key: str
    attributes: tuple[object, ...]
    valid_from: datetime
    end_date: datetime | None
    is_current: bool
    is_deleted: bool


@dataclass(frozen=True)
class _Stretch:
    """Neighbouring changes that say the same: a version, or a time without the key."""

    start: datetime
    exists_since: datetime
    last: Change


def history(changes: Iterable[Change], tracked: Sequence[int] | None = None) -> list[Version]:
    """The versions of every key, ordered by key and time; `tracked` are the attributes that open one (default: all)."""
    ordered = sorted(set(changes), key=_order)
    return [
        version
        for _, of_key in groupby(ordered, key=lambda change: change.key)
        for version in _versions(
            _from_the_beginning(_stretches(_one_per_instant(_in_effect(_one_per_position(of_key))), tracked))
        )
    ]


def _order(change: Change) -> tuple[object, ...]:
    content = tuple((value is not None, value) for value in (*change.attributes, change.exists_since))
    return (change.key, change.position, change.deleted, change.at, content)


def _in_effect(ordered: Iterable[Change]) -> Iterator[Change]:
    latest: datetime | None = None
    for change in ordered:
        latest = change.at if latest is None else max(latest, change.at)
        yield replace(change, at=latest, exists_since=min(change.exists_since or latest, latest))


def _one_per_position(ordered: Iterable[Change]) -> Iterator[Change]:
    return (list(same)[-1] for _, same in groupby(ordered, key=lambda change: change.position))


def _one_per_instant(ordered: Iterable[Change]) -> list[Change]:
    return [list(same)[-1] for _, same in groupby(ordered, key=lambda change: change.at)]


def _stretches(changes: list[Change], tracked: Sequence[int] | None) -> list[_Stretch]:
    stretches: list[_Stretch] = []
    for change in changes:
        since = change.exists_since or change.at
        if stretches and _continues(stretches[-1].last, change, tracked):
            before = stretches[-1]
            stretches[-1] = replace(before, exists_since=min(before.exists_since, since), last=change)
        else:
            stretches.append(_Stretch(change.at, since, change))
    return stretches


def _continues(before: Change, change: Change, tracked: Sequence[int] | None) -> bool:
    if before.deleted or change.deleted:
        return before.deleted and change.deleted
    return _compared(before, tracked) == _compared(change, tracked)


def _compared(change: Change, tracked: Sequence[int] | None) -> tuple[object, ...]:
    return change.attributes if tracked is None else tuple(change.attributes[index] for index in tracked)


def _from_the_beginning(stretches: list[_Stretch]) -> list[_Stretch]:
    first, *others = stretches
    return [replace(first, start=min(first.start, first.exists_since)), *others]


def _versions(stretches: list[_Stretch]) -> list[Version]:
    following = [*pairwise(stretches), (stretches[-1], None)]
    is_gone = stretches[-1].last.deleted
    return [
        Version(
            key=stretch.last.key,
            attributes=stretch.last.attributes,
            valid_from=stretch.start,
            end_date=after.start if after else None,
            is_current=after is None,
            is_deleted=is_gone and after is stretches[-1],
        )
        for stretch, after in following
        if not stretch.last.deleted
    ]


NAMES = ("city", "mood")
_TIME = pa.timestamp("us", tz="UTC")
_KINDS: dict[str, pa.DataType] = {
    "key": pa.string(),
    **dict.fromkeys(NAMES, pa.string()),
    "event_at": _TIME,
    "exists_since": _TIME,
    "deleted": pa.bool_(),
    "_position": pa.string(),
}
SCHEMA = pa.schema(_KINDS)


def as_table(changes: Iterable[Change]) -> pa.Table:
    """The changes as the rules proper take them, in the order given."""
    rows = [(c.key, *c.attributes, c.at, c.exists_since, c.deleted, c.position) for c in changes]
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)


def by_the_rules(changes: Iterable[Change], tracked: Sequence[int] | None = None) -> list[Version]:
    """The same question to the rules proper."""
    opening = NAMES if tracked is None else tuple(NAMES[index] for index in tracked)
    found = scd2.versions(scd2.in_order(as_table(changes), ["key"]), ["key"], opening)
    return [as_version(row) for row in found.to_pylist()]


def as_version(row: Mapping[str, Any]) -> Version:
    """A row of the rules proper as a version of the model."""
    return Version(row["key"], tuple(row[name] for name in NAMES), *(row[name] for name in scd2.STAMPS))
