"""What the data tell of who lives where: how many people share an address, and whether a postal code names the city.

In a shop's data a shared address is mostly a family; in a register of single persons it is mostly the same person
again. In real data a city says nothing new beside its postal code; in invented ones the two are often independent.
Both are counted over the whole set, in coarse steps, so that one record more seldom changes any weight.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from transform.identity.arrays import Bools, Ints, ranges
from transform.identity.population import Population

# Where values of an attribute are shared by more records than this, pairs are not looked at: a block of flats without
# numbers says nothing about who lives together, and in a large town only the small postal codes are asked.
_SHARED_MAX: Final = 30
# Before there is data: half as many again as one's own records at an address are a housemate's; a postal code has one
# city.
_PSEUDO_OTHERS, _PSEUDO_SAME = 15, 10
_PSEUDO_ONE_CITY: Final = 20
# Odds enter in steps of a factor of four, and never as certainty. More housemates than own records are no argument
# against a person's own second record.
_STEP: Final = 200
_HOUSEMATES: Final = (-2, 0)
_CITIES_MAX: Final = 3


@dataclass(frozen=True)
class Tally:
    """Pairs of records at one street address, and in one postal code; sums over the values that are shared."""

    others: int = 0
    """At one address, without a first name or birth date in common."""
    addresses: int = 0
    one_city: int = 0
    """In one postal code and one city, of `codes` pairs of people with no name or birth date in common."""
    codes: int = 0

    def plus(self, other: "Tally", times: int = 1) -> "Tally":
        """The sum, or with -1 the difference."""
        return Tally(*(mine + times * theirs for mine, theirs in zip(_counts(self), _counts(other), strict=True)))

    @property
    def housemates(self) -> int:
        """The odds of a housemate against oneself, in steps."""
        odds = (self.others + _PSEUDO_OTHERS) / (self.addresses - self.others + _PSEUDO_SAME)
        return max(_HOUSEMATES[0], min(_HOUSEMATES[1], round(100 * math.log2(odds) / _STEP)))

    @property
    def cities(self) -> int:
        """How much a city says beside its postal code, in steps."""
        odds = (self.codes + _PSEUDO_ONE_CITY) / (self.one_city + _PSEUDO_ONE_CITY)
        return min(_CITIES_MAX, int(100 * math.log2(odds) // _STEP))


def hundredths(steps: int) -> int:
    """Steps as a weight."""
    return _STEP * steps


def tally(population: Population, streets: Ints, postal_codes: Ints) -> Tally:
    """The counts over the living bearers of these values."""
    left, right = _sharing(population, "street", streets)
    apart = _apart(population, ("first_name", "birth_date"), left, right)
    named = [population.columns["first_name"].length.data[side] > 0 for side in (left, right)]
    addresses, others = len(left), np.count_nonzero(apart & named[0] & named[1])
    left, right = _sharing(population, "postal_code", postal_codes)
    placed = [population.columns["city"].length.data[side] > 0 for side in (left, right)]
    strangers = _apart(population, ("first_name", "last_name", "birth_date"), left, right) & placed[0] & placed[1]
    one_city = np.count_nonzero(strangers & ~_apart(population, ("city",), left, right))
    return Tally(int(others), addresses, int(one_city), int(np.count_nonzero(strangers)))


def _counts(tally: Tally) -> tuple[int, int, int, int]:
    return tally.others, tally.addresses, tally.one_city, tally.codes


def _sharing(population: Population, attribute: str, codes: Ints) -> tuple[Ints, Ints]:
    """Every two bearers of one of the values, unless it has too many."""
    counts = population.columns[attribute].counts.data[codes]
    shared = codes[(counts > 1) & (counts <= _SHARED_MAX)]
    position, slots = population.bearers_by_code(attribute, shared)
    sizes = np.bincount(position, minlength=len(shared))
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    before = np.arange(len(slots)) - starts
    return slots[ranges(starts, before)], np.repeat(slots, before)


def _apart(population: Population, attributes: tuple[str, ...], left: Ints, right: Ints) -> Bools:
    """Whether the two have no value of these attributes in common."""
    apart = np.ones(len(left), dtype=np.bool_)
    for attribute in attributes:
        column = population.columns[attribute]
        pair, one, other = column.against(column, left, right)
        apart[pair[one == other]] = False
    return apart
