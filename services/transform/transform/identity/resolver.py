"""Who is who, kept up to date: a change costs what its neighbourhood costs, and ends where a resolution of all would.

What the clusters of a set of records depend on, apart from the records themselves, changes rarely: bins of counts,
the bin of their number, and whether a block or an identifier is crowded. Whoever is touched by such a crossing is
compared anew just as the changed records are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from transform.identity import blocking, clusters
from transform.identity.arrays import Ints
from transform.identity.clusters import Links, Tie
from transform.identity.identities import Identity, identities_of
from transform.identity.population import Population
from transform.identity.records import Record
from transform.identity.rows import Rows, rows_of
from transform.identity.scoring import RULES, SHARED_BY_AT_MOST, Scores, score
from transform.identity.spelling import ATTRIBUTES
from transform.identity.surroundings import Tally, tally
from transform.identity.vocabulary import VOCABULARY_OF
from transform.identity.weights import AGREED, THRESHOLD, Setting, count_bins, size_bin, weights

# So many pairs are weighed at once, and so many records are asked for theirs: a few hundred megabytes.
_PAIRS_AT_ONCE: Final = 500_000
_RECORDS_AT_ONCE: Final = 4_000
# What `tally` counts over.
_PLACES: Final = ("street", "postal_code")
LinkedIds = dict[tuple[str, str], Tie]


@dataclass(frozen=True)
class Changes:
    """What an update did: links and identities that are new or different, and those that are no more."""

    links: LinkedIds
    lost_links: list[tuple[str, str]]
    identities: list[Identity]
    lost_identities: list[str]


class Resolver:
    """All records and links in memory, and the identities that were told so far."""

    def __init__(self) -> None:
        self.population = Population()
        self.links: dict[int, dict[int, Tie]] = {}
        self.identities: dict[str, Identity] = {}
        self._tally = Tally()

    def load(self, rows: Rows, links: LinkedIds) -> None:
        """Start from what an earlier resolver knew; what it told is not known here, so all that is touched is told."""
        self.population.add(rows)
        everywhere = [np.arange(len(self.population.vocabulary(name).texts)) for name in _PLACES]
        self._tally = tally(self.population, *everywhere)
        slot_of = self.population.slot_of
        self._link({(slot_of[one], slot_of[other]): tie for (one, other), tie in links.items()})

    def update(self, records: Sequence[Record], removed: Iterable[str] = ()) -> Changes:
        """Take in records that are new or different and forget others; a record's id occurs once."""
        return self.update_rows(rows_of(records), removed)

    def update_rows(self, rows: Rows, removed: Iterable[str] = ()) -> Changes:
        """The same from columns."""
        population, setting = self.population, self.setting
        gone_ids = [id_ for id_ in dict.fromkeys([*removed, *rows.ids]) if id_ in population.slot_of]
        gone, new = self._exchange(gone_ids, rows)
        if self.setting == setting:
            crossing = [self._crossing_values(gone, new), self._crossing_blocks(gone, new)]
            touched = np.unique(np.concatenate([new, *crossing]))
        else:
            touched = np.flatnonzero(population.alive)
        lost, neighbours = self._unlink([*gone.tolist(), *touched.tolist()])
        found = self._find_links(touched)
        self._link(found)
        starts = {*touched.tolist(), *(slot for pair in found for slot in pair)}
        told = self._tell(starts | {slot for slot in neighbours if population.alive[slot]})
        forgotten = [id_ for id_ in gone_ids if id_ not in population.slot_of]
        for id_ in forgotten:
            self.identities.pop(id_, None)
        now = {self._ids(*pair): tie for pair, tie in found.items()}
        return Changes(
            links={pair: tie for pair, tie in now.items() if lost.get(pair) != tie},
            lost_links=sorted(pair for pair in lost if pair not in now),
            identities=told,
            lost_identities=forgotten,
        )

    def tell_about(self, slots: Iterable[int]) -> list[Identity]:
        """The identities of all records connected with these, whether they were told or not."""
        return list(self._identities(slots))

    def tell(self) -> list[Identity]:
        """The identities of all records, as far as they were not told."""
        return self._tell(np.flatnonzero(self.population.alive).tolist())

    @property
    def setting(self) -> Setting:
        """What all weights depend on."""
        return Setting(size_bin(len(self.population)), self._tally.housemates, self._tally.cities)

    def _exchange(self, gone_ids: Sequence[str], rows: Rows) -> tuple[Ints, Ints]:
        """The slots that die and those that are new; keeps the tally."""
        population = self.population
        gone = np.array([population.slot_of[id_] for id_ in gone_ids], dtype=np.int64)
        places = [
            np.union1d(population.columns[name].of(gone), population.codes(name, rows.values[name])) for name in _PLACES
        ]
        before = tally(population, *places)
        population.remove(gone_ids)
        new = population.add(rows)
        self._tally = self._tally.plus(before, -1).plus(tally(population, *places))
        return gone, new

    def _crossing_values(self, gone: Ints, new: Ints) -> Ints:
        """The slots with a value whose frequency is in another bin now, or that too many share now or no longer."""
        found = [np.zeros(0, dtype=np.int64)]
        for attribute in ATTRIBUTES:
            column = self.population.columns[attribute]
            codes, before, after = _differences(column.of(gone), column.of(new), column.counts.data)
            crossing = count_bins(before) != count_bins(after)
            if attribute in RULES:
                crossing |= (before <= SHARED_BY_AT_MOST) != (after <= SHARED_BY_AT_MOST)
            concerned = VOCABULARY_OF if attribute in VOCABULARY_OF else (attribute,)
            found += [self.population.bearers(other, codes[crossing]) for other in concerned]
        return np.concatenate(found)

    def _crossing_blocks(self, gone: Ints, new: Ints) -> Ints:
        """The slots with a key that now proposes pairs and did not, or no longer does."""
        keys, delta = _deltas(self.population.keys(gone), self.population.keys(new))
        after = self.population.block_sizes(keys)
        crossing = (after > blocking.BLOCK_MAX) != (after - delta > blocking.BLOCK_MAX)
        return self.population.in_blocks(keys[crossing])

    def _unlink(self, slots: Iterable[int]) -> tuple[LinkedIds, set[int]]:
        """Takes all links of these slots away; returns them, and whom they led to."""
        lost: LinkedIds = {}
        neighbours: set[int] = set()
        for slot in slots:
            for other, tie in self.links.pop(slot, {}).items():
                lost[self._ids(slot, other)] = tie
                neighbours.add(other)
                self.links.get(other, {}).pop(slot, None)
        return lost, neighbours

    def _find_links(self, touched: Ints) -> dict[tuple[int, int], Tie]:
        """Weighs the touched slots against all candidates."""
        is_touched = np.zeros(len(self.population.ids), dtype=bool)
        is_touched[touched] = True
        found: dict[tuple[int, int], Tie] = {}
        for at in range(0, len(touched), _RECORDS_AT_ONCE):
            left, right = self.population.partners(touched[at : at + _RECORDS_AT_ONCE])
            # Of two touched slots each is asked for the other: the pair is weighed once.
            once = (left < right) | ~is_touched[right]
            found.update(self._convincing(left[once], right[once]))
        return found

    def _convincing(self, left: Ints, right: Ints) -> Iterator[tuple[tuple[int, int], Tie]]:
        for weight, _, rule, at in self._weighed(left, right):
            for nth in np.flatnonzero(weight >= THRESHOLD):
                yield (int(left[at + nth]), int(right[at + nth])), Tie(int(weight[nth]), int(rule[nth]))

    def _weighed(self, left: Ints, right: Ints) -> Iterator[tuple[Ints, Ints, Ints, int]]:
        """(weights, weights beside links, rules, position of the first pair) of part after part of the pairs."""
        model = weights(self.setting)
        # Of no pairs there is one part, an empty one.
        for at in range(0, max(len(left), 1), _PAIRS_AT_ONCE):
            end = at + _PAIRS_AT_ONCE
            scores: Scores = score(self.population, model, left[at:end], right[at:end])
            yield scores.weight, scores.beside_links, scores.rule, at

    def _link(self, ties: Mapping[tuple[int, int], Tie]) -> None:
        for (one, other), tie in ties.items():
            self.links.setdefault(one, {})[other] = tie
            self.links.setdefault(other, {})[one] = tie

    def _tell(self, starts: Iterable[int]) -> list[Identity]:
        """The identities that differ from what was told before, of all records connected with the starts."""
        told = [identity for identity in self._identities(starts) if self.identities.get(identity.id) != identity]
        self.identities.update((identity.id, identity) for identity in told)
        return sorted(told, key=lambda identity: identity.id)

    def _identities(self, starts: Iterable[int]) -> Iterator[Identity]:
        undecided: list[tuple[int, list[int]]] = []
        for component in clusters.components(self.links, starts):
            members = self._by_age(component)
            if clusters.is_agreed(members, self.links):
                yield from identities_of(self.population, members, self.links, members[0])
            else:
                undecided += [(members[0], self._by_age(part)) for part in clusters.parts(members, self.links)]
        yield from self._decided(undecided)

    def _decided(self, undecided: list[tuple[int, list[int]]]) -> Iterator[Identity]:
        """Weighs all pairs of each part, candidates or not, and tells the clusters it falls into."""
        pairs = [clusters.pairs(part) for _, part in undecided]
        if not pairs:
            return
        left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
        weighed = [found[:3] for found in self._weighed(left, right)]
        weight, beside, rule = (np.concatenate(side) for side in zip(*weighed, strict=True))
        end = 0
        for (oldest, part), (one, other) in zip(undecided, pairs, strict=True):
            start, end = end, end + len(one)
            links = _as_links(one, other, weight[start:end], rule[start:end])
            for cluster in clusters.agreed(part, weight[start:end] >= THRESHOLD, beside[start:end], AGREED):
                yield from identities_of(self.population, cluster, links, oldest)

    def _by_age(self, slots: Iterable[int]) -> list[int]:
        population = self.population
        return sorted(slots, key=lambda slot: (population.seen_at[slot], population.ids[slot]))

    def _ids(self, one: int, other: int) -> tuple[str, str]:
        first, second = sorted((self.population.ids[one], self.population.ids[other]))
        return first, second


def resolve(records: Iterable[Record]) -> list[Identity]:
    """The identity of every record, ordered by id: a function of the set of records."""
    return Resolver().update(list(records)).identities


def _as_links(one: Ints, other: Ints, weight: Ints, rule: Ints) -> Links:
    links: dict[int, dict[int, Tie]] = {}
    for at in np.flatnonzero(weight >= THRESHOLD):
        tie = Tie(int(weight[at]), int(rule[at]))
        links.setdefault(int(one[at]), {})[int(other[at])] = tie
        links.setdefault(int(other[at]), {})[int(one[at])] = tie
    return links


def _deltas(gone: Ints, new: Ints) -> tuple[Ints, Ints]:
    """(value, how many more now) for every value that changed hands; values repeat, once per bearer."""
    values, which = np.unique(np.concatenate([gone, new]), return_inverse=True)
    signs = np.concatenate([np.full(len(gone), -1), np.ones(len(new), dtype=np.int64)])
    return values, np.bincount(which, weights=signs, minlength=len(values)).astype(np.int64)


def _differences(gone: Ints, new: Ints, counts: Ints) -> tuple[Ints, Ints, Ints]:
    """(code, its count before, its count now)."""
    codes, delta = _deltas(gone, new)
    return codes, counts[codes] - delta, counts[codes]
