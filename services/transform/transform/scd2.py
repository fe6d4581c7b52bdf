"""The rules of a history (slowly changing dimension, type 2), in plain Python: what `versions.py` does on Spark.

A change sets all attributes of a key, or deletes it. The history of a key follows from the *set* of its changes:
neither their order of arrival nor their batching nor a repetition plays a part.

1. The changes of a key follow each other by position. Their times come from several clocks, so a change takes effect at
   the latest time that it or any change before it names: a later position is never earlier.
2. Of several changes that take effect at one instant the last one counts; the others leave nothing behind.
3. A change opens a version when it is the first, when a delete came before it, or when a tracked attribute differs from
   the change before it (null equals null). Otherwise it belongs to the open version.
4. A version starts at its first change and shows the attributes of its last one; it ends where the next version or a
   delete starts. A delete of what does not exist changes nothing.
5. The first version starts when the source says that the key came into being, if that is earlier: nothing else is known
   of the time before.
6. The last version of a key is current, unless a delete ended it: then it is marked deleted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, pairwise


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
    ordered = sorted(set(changes), key=lambda change: (change.key, change.position))
    return [
        version
        for _, of_key in groupby(ordered, key=lambda change: change.key)
        for version in _versions(_from_the_beginning(_stretches(_one_per_instant(_in_effect(of_key)), tracked)))
    ]


def _in_effect(ordered: Iterable[Change]) -> Iterator[Change]:
    latest: datetime | None = None
    for change in ordered:
        latest = change.at if latest is None else max(latest, change.at)
        yield replace(change, at=latest, exists_since=min(change.exists_since or latest, latest))


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
