"""How many people share an address in these data: the prior odds that who lives at one's address is somebody else.

In a shop's data a shared address is mostly a family; in a register of single persons it is mostly the same person again.
The data tell: of the records at one street address, how many pairs have neither a first name nor a birth date in common?
"""

import math
from typing import Final

import numpy as np

from transform.identity.arrays import Bools, Ints, ranges
from transform.identity.population import Population

# Before there is data, half as many again as one's own records at an address are a housemate's.
_PSEUDO_OTHERS, _PSEUDO_SAME = 15, 10
# A block of flats without numbers says nothing about who lives together.
_ADDRESS_MAX: Final = 30
# The odds enter in steps of a factor of four, and never as certainty.
_STEP, _STEPS_MIN, _STEPS_MAX = 200, -2, 1


def shared_addresses(population: Population, streets: Ints) -> tuple[int, int]:
    """(pairs of records at these street addresses that have no first name and birth date in common, all pairs)."""
    counts = population.columns["street"].counts.data[streets]
    position, slots = population.bearers_by_code("street", streets[(counts > 1) & (counts <= _ADDRESS_MAX)])
    left, right = _pairs(position, slots)
    others = ~_shares(population, "first_name", left, right) & ~_shares(population, "birth_date", left, right)
    named = [population.columns["first_name"].length.data[side] > 0 for side in (left, right)]
    return int(np.count_nonzero(others & named[0] & named[1])), len(left)


def prior_step(others: int, pairs: int) -> int:
    """The odds of a housemate against oneself, in steps of a factor of four."""
    odds = math.log2((others + _PSEUDO_OTHERS) / (pairs - others + _PSEUDO_SAME))
    return max(_STEPS_MIN, min(_STEPS_MAX, round(odds * 100 / _STEP)))


def housemate_prior(step: int) -> int:
    """The weight, in hundredths of a bit, of being oneself rather than a housemate, before anything is compared."""
    return -_STEP * step


def _pairs(position: Ints, slots: Ints) -> tuple[Ints, Ints]:
    """Every two slots of one group, once; groups are runs of one position."""
    sizes = np.bincount(position) if len(position) else position
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    at = np.arange(len(slots))
    before = at - starts
    return slots[ranges(starts, before)], np.repeat(slots, before)


def _shares(population: Population, attribute: str, left: Ints, right: Ints) -> Bools:
    """Whether the two have a value in common."""
    column = population.columns[attribute]
    pair, one, other = column.against(column, left, right)
    found = np.zeros(len(left), dtype=np.bool_)
    found[pair[one == other]] = True
    return found
