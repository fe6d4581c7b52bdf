"""The records that are known, in columns: slots, values as codes, counts of values, and who has a blocking key."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from transform.identity import blocking
from transform.identity.arrays import Bools, Grown, Index, Ints, ranges
from transform.identity.rows import Rows, Values
from transform.identity.spelling import ATTRIBUTES
from transform.identity.vocabulary import VOCABULARY_OF, Vocabulary

_NUMBER_OF: Final = {attribute: number for number, attribute in enumerate(ATTRIBUTES)}


class Column:
    """An attribute's codes: the record in a slot has `length` of them from `start` on."""

    def __init__(self) -> None:
        self.start, self.length, self.codes = Grown(np.int64), Grown(np.int64), Grown(np.int64)
        self.counts = Grown(np.int64)
        """By code, how many living records have the value."""

    def make_room(self, vocabulary_size: int) -> None:
        """Count every code of the vocabulary, those that nobody here has as 0."""
        self.counts.extend(np.zeros(vocabulary_size - len(self.counts), dtype=np.int64))

    def add(self, codes: Ints, lengths: Ints) -> None:
        """The values of one new slot after another; a record's values are distinct."""
        self.start.extend(len(self.codes) + np.cumsum(lengths) - lengths)
        self.length.extend(lengths)
        self.codes.extend(codes)

    def count(self, codes: Ints) -> None:
        """Each of these values has one bearer more."""
        np.add.at(self.counts.data, codes, 1)

    def of(self, slots: Ints) -> Ints:
        """The codes of these slots, one slot after another."""
        found: Ints = self.codes.data[ranges(self.start.data[slots], self.length.data[slots])]
        return found

    def against(self, other: "Column", left: Ints, right: Ints) -> tuple[Ints, Ints, Ints]:
        """(number of the pair, left's code, right's code in `other`) for every combination of values of each pair."""
        many, more = self.length.data[left], other.length.data[right]
        pair = np.repeat(np.arange(len(left)), many * more)
        nth, more = ranges(np.zeros(len(left), dtype=np.int64), many * more), more[pair]
        mine = self.codes.data[self.start.data[left][pair] + nth // more]
        theirs = other.codes.data[other.start.data[right][pair] + nth % more]
        return pair, mine, theirs

    def forget(self, slots: Ints) -> None:
        """These slots count no longer."""
        np.subtract.at(self.counts.data, self.of(slots), 1)


class Population:
    """Every record ever added has a slot; a new version of a record takes a new slot and its old one dies."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._seen_at = Grown(np.int64)
        self.slot_of: dict[str, int] = {}
        self._alive = Grown(np.bool_)
        names = dict.fromkeys(VOCABULARY_OF.get(attribute, attribute) for attribute in ATTRIBUTES)
        self._vocabularies = {name: Vocabulary() for name in names}
        self.columns = {attribute: Column() for attribute in ATTRIBUTES}
        self._blocks, self._bearers = Index(), Index()
        self._keys = Column()

    def __len__(self) -> int:
        return len(self.slot_of)

    @property
    def alive(self) -> Bools:
        """By slot, whether its record is the one that counts."""
        return self._alive.data

    @property
    def seen_at(self) -> Ints:
        """By slot, microseconds since 1970."""
        return self._seen_at.data

    def vocabulary(self, attribute: str) -> Vocabulary:
        """The values of an attribute."""
        return self._vocabularies[VOCABULARY_OF.get(attribute, attribute)]

    def codes(self, attribute: str, values: Values) -> Ints:
        """The codes of these values, which are in the vocabulary from now on."""
        known = self.vocabulary(attribute).codes(values.texts)
        # Two columns share the vocabulary of names, and each must know what only the other has.
        for column in (name for name in ATTRIBUTES if self.vocabulary(name) is self.vocabulary(attribute)):
            self.columns[column].make_room(len(self.vocabulary(attribute).texts))
        return np.array(known, dtype=np.int64)[values.which]

    def add(self, rows: Rows) -> Ints:
        """The slots of new records; none of their ids is known."""
        slots = np.arange(len(self.ids), len(self.ids) + len(rows.ids))
        self.ids += rows.ids
        self._seen_at.extend(rows.seen_at)
        self.slot_of.update(zip(rows.ids, slots.tolist(), strict=True))
        self._alive.extend(np.ones(len(slots), dtype=np.bool_))
        for attribute, column in self.columns.items():
            codes, lengths = self.codes(attribute, rows.values[attribute]), rows.values[attribute].lengths
            column.add(codes, lengths)
            column.count(codes)
            self._bearers.add(_value_keys(attribute, codes), np.repeat(slots, lengths), self.alive)
        self._keys.add(rows.keys, rows.key_counts)
        self._blocks.add(rows.keys, np.repeat(slots, rows.key_counts), self.alive)
        return slots

    def texts(self, attribute: str, slot: int) -> list[str]:
        """The values of a record."""
        known = self.vocabulary(attribute).texts
        return [known[code] for code in self.columns[attribute].of(np.array([slot])).tolist()]

    def remove(self, ids: Iterable[str]) -> Ints:
        """The slots that die with these records; an id that is not known has none."""
        known = [self.slot_of.pop(id_) for id_ in ids if id_ in self.slot_of]
        slots = np.array(known, dtype=np.int64)
        self.alive[slots] = False
        for column in self.columns.values():
            column.forget(slots)
        return slots

    def bearers(self, attribute: str, codes: Ints) -> Ints:
        """The living slots with one of these values."""
        return np.unique(self.bearers_by_code(attribute, codes)[1])

    def bearers_by_code(self, attribute: str, codes: Ints) -> tuple[Ints, Ints]:
        """(position in `codes`, living slot) for every bearer of these values, sorted."""
        position, slots = self._bearers.find(_value_keys(attribute, codes), self.alive)
        order = np.lexsort((slots, position))
        return position[order], slots[order]

    def keys(self, slots: Ints) -> Ints:
        """The blocking keys of these slots, as often as they have them."""
        return self._keys.of(slots)

    def block_sizes(self, keys: Ints) -> Ints:
        """How many living slots have each key; more than BLOCK_MAX propose nobody."""
        return self._blocks.counts(keys, self.alive)

    def in_blocks(self, keys: Ints) -> Ints:
        """The living slots with one of these keys."""
        return np.unique(self._blocks.find(keys, self.alive)[1])

    def partners(self, slots: Ints) -> tuple[Ints, Ints]:
        """(slot of `slots`, other living slot) for all that share a key that is not crowded, each once."""
        mine, owner = self._keys.of(slots), np.repeat(slots, self._keys.length.data[slots])
        keys, which = np.unique(mine, return_inverse=True)
        position, other = self._blocks.find(keys, self.alive)
        order = np.argsort(position, kind="stable")
        counts = np.bincount(position, minlength=len(keys))
        starts = np.cumsum(counts) - counts
        counts[counts > blocking.BLOCK_MAX] = 0
        found = other[order][ranges(starts[which], counts[which])]
        pairs = np.unique((np.repeat(owner, counts[which]) << 32) | found)
        left, right = pairs >> 32, pairs & 0xFFFF_FFFF
        return left[left != right], right[left != right]


def _value_keys(attribute: str, codes: Ints) -> Ints:
    return (_NUMBER_OF[attribute] << 32) | codes
