"""The history of any table of events, kept in memory and taken further batch by batch.

What is kept are the facts, of all keys, for one that arrives later can make any of them matter. A batch adds its facts
and builds the keys anew that it touches; everything in one batch is the full rebuild. Both are `scd2.versions`.
"""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from transform import scd2
from transform.events import DELETE, TRUNCATE, Fact, Key, rank
from transform.exact_json import canonical, parsed
from transform.scd2 import AT, DELETED, POSITION, SINCE, STAMPS
from transform.vectors import booleans, integers, texts

Row = dict[str, str]
_KEY = "key"
# Attributes may be called anything; their columns are set apart from those of the rules.
_ATTRIBUTE = "attribute "


class History:
    """The versions that the facts so far give; a row maps columns to JSON texts."""

    def __init__(self, key: Sequence[str], tracked: Sequence[str] | None = None) -> None:
        self._key, self._tracked = tuple(key), None if tracked is None else frozenset(tracked)
        self._facts: dict[Key, set[Fact]] = {}
        self._versions: dict[Key, list[Row]] = {}
        self._emptied: Fact | None = None

    def apply(self, batch: Iterable[Fact]) -> set[Key]:
        """Take in a batch, in any order and with repetitions; the keys that were built anew."""
        touched = set[Key]()
        for fact in batch:
            if fact.op == TRUNCATE:
                touched |= self._empty(fact)
            elif fact not in self._facts.setdefault(fact.key, set()):
                self._facts[fact.key].add(fact)
                touched.add(fact.key)
        self._rebuild(sorted(touched))
        return touched

    def rows(self, named: Iterable[str] = ()) -> Iterator[Row]:
        """Every version by key and time; each has all attributes that any event ever set, and those `named`."""
        said = (name for facts in self._facts.values() for fact in facts for name, _ in fact.attributes)
        blank = dict.fromkeys(sorted({*said, *named}), "null")
        for key in sorted(self._versions, key=lambda key: [rank(parsed(part)) for part in key]):
            named = dict(zip(self._key, key, strict=True))
            yield from ({**named, **blank, **version} for version in self._versions[key])

    def _empty(self, truncate: Fact) -> set[Key]:
        """Note a truncate; the keys of which something is void now."""
        if self._emptied is not None and truncate.at.value <= self._emptied.at.value:
            return set()
        self._emptied = truncate
        return {key for key, facts in self._facts.items() if any(not self._stands(fact) for fact in facts)}

    def _stands(self, fact: Fact) -> bool:
        return self._emptied is None or fact.at.value >= self._emptied.at.value

    def _rebuild(self, keys: Sequence[Key]) -> None:
        standing = [fact for key in keys for fact in self._facts[key] if self._stands(fact)]
        for key in keys:
            self._versions.pop(key, None)
        if standing:
            self._versions |= _versions(keys, standing, self._tracked)


def _versions(keys: Sequence[Key], facts: Sequence[Fact], tracked: frozenset[str] | None) -> dict[Key, list[Row]]:
    places = sorted({fact.at.value for fact in facts})
    changes = _changes(facts, keys, {place: number for number, place in enumerate(places)})
    said = scd2.attributes_of(changes.column_names, [_KEY])
    opening = [name for name in said if tracked is None or name.removeprefix(_ATTRIBUTE) in tracked]
    spelled = _spelled(facts)
    found: dict[Key, list[Row]] = {}
    for row in scd2.versions(scd2.in_order(changes, [_KEY]), [_KEY], opening).to_pylist():
        key = keys[row[_KEY]]
        values = {name.removeprefix(_ATTRIBUTE): row[name] or "null" for name in said}
        times = {name: "null" if row[name] is None else spelled[key, places[row[name]]] for name in STAMPS[:2]}
        found.setdefault(key, []).append({**values, **times, "is_current": canonical(row["is_current"])})
    return found


def _changes(facts: Sequence[Fact], keys: Sequence[Key], places: dict[object, int]) -> pa.Table:
    """The facts as the rules take them, keys and places as numbers that have the same order."""
    numbers = {key: number for number, key in enumerate(keys)}
    names = sorted({name for fact in facts for name, _ in fact.attributes})
    said = [dict(fact.attributes) for fact in facts]
    at = integers(places[fact.at.value] for fact in facts)
    columns = {
        _KEY: integers(numbers[fact.key] for fact in facts),
        **{_ATTRIBUTE + name: texts([values.get(name) for values in said]) for name in names},
        AT: at,
        SINCE: pa.nulls(len(facts), pa.int64()),
        DELETED: booleans(fact.op == DELETE for fact in facts),
        POSITION: at,
    }
    return pa.table(columns)


def _spelled(facts: Iterable[Fact]) -> dict[tuple[Key, object], str]:
    """How each place of a key is written; of several spellings the least, since no order of arrival may decide."""
    spelled: dict[tuple[Key, object], str] = {}
    for fact in facts:
        place = (fact.key, fact.at.value)
        spelled[place] = min(fact.at.spelling, spelled.get(place, fact.at.spelling))
    return spelled
