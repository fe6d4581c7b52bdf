"""The records that are known, in columns: slots, values as codes, counts of values, and who has a blocking key."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from transform.identity import blocking
from transform.identity.arrays import Bools, Grown, Index, Ints, ranges
from transform.identity.records import Record
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

    def add(self, codes: Sequence[Sequence[int]]) -> None:
        """The values of one new slot after another; a record's values are distinct."""
        flat = [code for each in codes for code in each]
        lengths = np.array([len(each) for each in codes], dtype=np.int64)
        self.start.extend(len(self.codes) + np.cumsum(lengths) - lengths)
        self.length.extend(lengths)
        self.codes.extend(flat)
        np.add.at(self.counts.data, np.array(flat, dtype=np.int64), 1)

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
        self.seen_at: list[datetime] = []
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

    def vocabulary(self, attribute: str) -> Vocabulary:
        """The values of an attribute."""
        return self._vocabularies[VOCABULARY_OF.get(attribute, attribute)]

    def known(self, attribute: str, records: Iterable[Record]) -> Ints:
        """The codes of the values of these records, which are now in the vocabulary."""
        texts = {text for record in records for text in record.values.get(attribute, ())}
        codes = self.vocabulary(attribute).codes(texts)
        self.columns[attribute].make_room(len(self.vocabulary(attribute).texts))
        return np.array(codes, dtype=np.int64)

    def add(self, records: Sequence[Record], keys: Sequence[Sequence[int]]) -> Ints:
        """The slots of records with their blocking keys; none of their ids is known."""
        slots = np.arange(len(self.ids), len(self.ids) + len(records))
        self.ids += [record.id for record in records]
        self.seen_at += [record.seen_at for record in records]
        self.slot_of.update(zip((record.id for record in records), slots.tolist(), strict=True))
        self._alive.extend(np.ones(len(records), dtype=np.bool_))
        self._encode(records)
        self._index(slots, keys)
        return slots

    def _encode(self, records: Sequence[Record]) -> None:
        codes = {
            attribute: [self.vocabulary(attribute).codes(record.values.get(attribute, ())) for record in records]
            for attribute in self.columns
        }
        # Two columns share the vocabulary of names, and each must know what only the other has.
        for attribute, column in self.columns.items():
            column.make_room(len(self.vocabulary(attribute).texts))
            column.add(codes[attribute])

    def _index(self, slots: Ints, keys: Sequence[Sequence[int]]) -> None:
        lengths = np.array([len(each) for each in keys], dtype=np.int64)
        flat = np.array([key for each in keys for key in each], dtype=np.int64)
        self._keys.start.extend(len(self._keys.codes) + np.cumsum(lengths) - lengths)
        self._keys.length.extend(lengths)
        self._keys.codes.extend(flat)
        self._blocks.add(flat, np.repeat(slots, lengths), self.alive)
        for attribute, column in self.columns.items():
            values = _value_keys(attribute, column.of(slots))
            self._bearers.add(values, np.repeat(slots, column.length.data[slots]), self.alive)

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
        """(slot of `slots`, other living slot) for all that share a key that is not crowded; each once per direction."""
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
