"""The Fellegi–Sunter model: what each level of agreement weighs, against a stranger and against a housemate.

A pair is one person (M), two strangers (U), or two people of one household (H), who share surname, address and
telephone and are sometimes born on one day or bear one first name. The weight of a level is log2 of its probability
under M over that under U or H. A link must be convincing against both: its weight is the smaller of the two sums with
their prior odds.

M and H are fixed beforehand, from the error rates of registers and from tuning on synthetic populations
(`benchmarks/identity`). U comes from the data: the frequency of the very value that agrees, so that Smith weighs
little and Featherstonehaugh much. Counts and the number of records enter in bins, and weights are whole hundredths of
a bit: so the same set of records has the same weights, whatever the order, and one record more changes few of them.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from transform.identity.arrays import Ints
from transform.identity.surroundings import hundredths

# One threshold for all data: it is as likely as not that the two are one person, against strangers and housemates
# alike.
THRESHOLD: Final = 0
# Linked clusters grow together while their pairs weigh this much on average: records that know little of each other
# do not keep apart what a link holds together, contradictions do.
AGREED: Final = -300
# What an identifier handed out to one person is worth at least when nothing speaks against it: a link, but not one that
# holds two together who contradict each other.
RULE_WEIGHT: Final = 150
# First and last name in each other's place, of one person's records.
_SWAPPED: Final = 0.05
SWAP_PENALTY: Final = round(100 * math.log2(_SWAPPED))
# Before there is data, a value is as frequent as elsewhere; the data outweighs this from a thousand records on.
_PSEUDO_RECORDS: Final = 1000
_BINS: Final = 16
# However frequent its value, agreement never speaks for strangers.
_FREQUENCY_MAX: Final = 0.5


@dataclass(frozen=True)
class Level:
    """How far two values agree: its probability for one person, for housemates, and for strangers."""

    name: str
    person: float
    housemate: float | None
    """None: the frequency of the value, at least `housemate_min`."""
    stranger: float | None
    """None: the frequency of the value times `spread`."""
    spread: float = 1.0
    housemate_min: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """An attribute's levels, from full agreement to none, and how frequent a value is before there is data."""

    attribute: str
    usual_frequency: float
    levels: tuple[Level, ...]


COMPARISONS: Final = (
    Comparison("first_name", 0.004, (
        Level("the same", 0.72, None, None, housemate_min=0.04),
        Level("a short form", 0.08, 0.006, None, 2),
        Level("nearly the same", 0.08, 0.008, None, 3),
        Level("similar", 0.04, 0.04, 0.012),
        Level("an initial", 0.03, 0.08, 0.06),
        Level("different", 0.05, 0.85, 0.92),
    )),
    Comparison("last_name", 0.001, (
        Level("the same", 0.80, 0.75, None),
        Level("nearly the same", 0.10, 0.06, None, 3),
        Level("similar", 0.04, 0.02, 0.008),
        Level("different", 0.06, 0.17, 0.98),
    )),
    Comparison("birth_date", 0.00005, (
        Level("the same", 0.85, 0.03, None),
        Level("a digit or day and month exchanged", 0.09, 0.008, 0.0015),
        Level("partly the same", 0.04, 0.04, 0.02),
        Level("different", 0.02, 0.93, 0.97),
    )),
    Comparison("street", 0.0002, (
        Level("the same", 0.50, 0.75, None),
        Level("nearly the same", 0.14, 0.12, None, 3),
        Level("similar", 0.06, 0.03, 0.01),
        Level("different", 0.30, 0.10, 0.98),
    )),
    Comparison("postal_code", 0.001, (
        Level("the same", 0.62, 0.62, None),
        Level("a digit off", 0.08, 0.08, 0.004),
        Level("different", 0.30, 0.30, 0.99),
    )),
    Comparison("city", 0.002, (
        Level("the same", 0.65, 0.65, None),
        Level("nearly the same", 0.08, 0.08, None, 3),
        Level("different", 0.27, 0.27, 0.98),
    )),
    Comparison("state", 0.03, (
        Level("the same", 0.88, 0.88, None),
        Level("different", 0.12, 0.12, 0.95),
    )),
    Comparison("email", 0.00002, (
        Level("the same", 0.50, 0.06, None),
        Level("nearly the same", 0.10, 0.02, 0.0005),
        Level("different", 0.40, 0.92, 0.999),
    )),
    Comparison("phone", 0.00002, (
        Level("the same", 0.55, 0.35, None),
        Level("a digit off", 0.06, 0.02, 0.0005),
        Level("different", 0.39, 0.63, 0.999),
    )),
    Comparison("loyalty_number", 0.00001, (
        Level("the same", 0.80, 0.02, None),
        Level("a digit off", 0.05, 0.01, 0.0005),
        Level("different", 0.15, 0.97, 0.999),
    )),
)  # fmt: skip
COMPARISON: Final = {comparison.attribute: comparison for comparison in COMPARISONS}


@dataclass(frozen=True)
class Setting:
    """What all weights of a set of records depend on, in bins that are crossed rarely."""

    size: int
    """`size_bin` of the number of records."""
    housemates: int
    """How common housemates are: `Tally.housemates`."""
    cities: int
    """What a city says beside its postal code: `Tally.cities`."""


@dataclass(frozen=True)
class Table:
    """The weights of one comparison in hundredths of a bit: [level, bin of the value's count]."""

    stranger: Ints
    housemate: Ints


@dataclass(frozen=True)
class Weights:
    """All weights of a set of records, and the prior odds."""

    tables: dict[str, Table]
    stranger_prior: int
    housemate_prior: int
    beside_postal_code: int
    """The most that the city adds to a postal code that agrees."""


def size_bin(records: int) -> int:
    """The number of records as a power of two, the pseudo-records included."""
    return (records + _PSEUDO_RECORDS).bit_length() - 1


def count_bins(counts: Ints) -> Ints:
    """1–3 → 0, 4–15 → 1, 16–63 → 2 …: a value's frequency is known to a factor of two."""
    return np.minimum(np.floor(np.log2(np.maximum(counts, 1))).astype(np.int64) // 2, _BINS - 1)


def weights(setting: Setting) -> Weights:
    """The weights of a set of records."""
    population = 2.0**setting.size * math.sqrt(2)
    tables = {comparison.attribute: _table(comparison, population) for comparison in COMPARISONS}
    return Weights(tables, -_hundredths(population), -hundredths(setting.housemates), hundredths(setting.cities))


def _table(comparison: Comparison, population: float) -> Table:
    stranger = np.zeros((len(comparison.levels), _BINS), dtype=np.int64)
    housemate = np.zeros_like(stranger)
    for bin_ in range(_BINS):
        bearers = 2.0 * 4**bin_ + _PSEUDO_RECORDS * comparison.usual_frequency
        frequency = min(bearers / population, _FREQUENCY_MAX)
        for number, level in enumerate(comparison.levels):
            by_chance = min(frequency * level.spread, _FREQUENCY_MAX)
            stranger[number, bin_] = _hundredths(level.person / (level.stranger or by_chance))
            beside = max(frequency, level.housemate_min) if level.housemate is None else level.housemate
            housemate[number, bin_] = _hundredths(level.person / beside)
    return Table(stranger, housemate)


def _hundredths(odds: float) -> int:
    return round(100 * math.log2(odds))
