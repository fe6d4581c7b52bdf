"""What pairs of records weigh: every comparison in columns, the best values of each record against each other."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from transform.identity.arrays import Bools, Ints
from transform.identity.comparing import levels
from transform.identity.population import Population
from transform.identity.weights import COMPARISON, RULE_WEIGHT, SWAP_PENALTY, Weights, count_bins

MISSING: Final = -1
# A value that more records share belongs to an office, a help desk or a village, and alone links nobody.
SHARED_BY_AT_MOST: Final = 5
# Strongest first: what the shop handed to one person, what one mailbox owner controls, what a household shares.
RULES: Final = ("loyalty_number", "email", "phone")
# The level of a first name that agrees as far as a last name at levels 0 to 3 does; the last one for level -1, missing.
_FIRST_NAME_LEVEL: Final = np.array([0, 2, 3, 5, MISSING])
# Who lives in one street lives in its town: so much more does the town say, once the street agrees.
_TOWN_BESIDE_STREET: Final = 300


@dataclass(frozen=True)
class Compared:
    """One comparison of many pairs: the level (-1 when a side has no value) and what it weighs."""

    level: Ints
    stranger: Ints
    housemate: Ints
    frequent: Ints
    """How many records have the value, the more frequent one of the two."""

    def where(self, other: "Compared", take: Bools) -> "Compared":
        """`other` where `take` says so."""
        mine, theirs = vars(self), vars(other)
        return Compared(**{name: np.where(take, theirs[name], mine[name]) for name in mine})


@dataclass(frozen=True)
class Scores:
    """Many pairs: by attribute what was compared, the sums in hundredths of a bit, and what the pair weighs in all."""

    compared: dict[str, Compared]
    swapped: Bools
    stranger: Ints
    housemate: Ints
    rule: Ints
    """The number of the rule in RULES that holds; -1 when none does."""
    weight: Ints
    beside_links: Ints
    """What the pair weighs when links connect the two by others: nothing, when they have nothing to compare."""


def score(population: Population, weights: Weights, left: Ints, right: Ints) -> Scores:
    """What each pair of slots weighs; exchanging left and right changes nothing."""
    compared = {
        attribute: _compare(population, weights, attribute, (attribute, attribute), left, right)
        for attribute in COMPARISON
    }
    swapped = _swap_names(population, weights, left, right, compared)
    names = ("first_name", "last_name", "birth_date", *RULES)
    address = _address(compared, weights.beside_postal_code)
    stranger = weights.stranger_prior + address + sum(compared[name].stranger for name in names)
    stranger = stranger + np.where(swapped, SWAP_PENALTY, 0)
    housemate = weights.housemate_prior + compared["street"].housemate + sum(compared[n].housemate for n in names)
    rule = _rules(compared)
    weight = np.minimum(stranger, housemate)
    nothing = np.all([found.level == MISSING for found in compared.values()], axis=0)
    inside = np.where(nothing, 0, weight)
    ruled = [np.where(rule >= 0, np.maximum(one, RULE_WEIGHT), one) for one in (weight, inside)]
    return Scores(compared, swapped, stranger, housemate, rule, *ruled)


def _address(compared: dict[str, Compared], beside: int) -> Ints:
    """Street, town and state hang together: the best says nearly all, and whoever moved did so once."""
    parts = np.sort(np.stack([compared[name].stranger for name in ("postal_code", "city", "state")]), axis=0)
    town = np.where(parts[-1] > 0, parts[-1] + np.clip(parts[-2], 0, beside), parts[0])
    street = compared["street"].stranger
    both_agree, both_differ = (street > 0) & (town > 0), (street < 0) & (town < 0)
    together = np.where(both_agree, street + np.minimum(town, _TOWN_BESIDE_STREET + beside), street + town)
    weight: Ints = np.where(both_differ, np.minimum(street, town), together)
    return weight


def _compare(
    population: Population, weights: Weights, comparison: str, of: tuple[str, str], left: Ints, right: Ints
) -> Compared:
    """Each pair's best values: one attribute of left with one of right, as this comparison does it."""
    mine, theirs = (population.columns[attribute] for attribute in of)
    pair, one, other = mine.against(theirs, left, right)
    level = levels(comparison, population.vocabulary(comparison), one, other)
    frequent = _frequency(population, of, one, other)
    table, bins = weights.tables[comparison], count_bins(frequent)
    found = Compared(level, table.stranger[level, bins], table.housemate[level, bins], frequent)
    return _best(found, pair, len(left))


def _frequency(population: Population, of: tuple[str, str], one: Ints, other: Ints) -> Ints:
    counts = [population.columns[attribute].counts.data for attribute in dict.fromkeys(of)]
    frequency: Ints = np.maximum.reduce([count[codes] for count in counts for codes in (one, other)])
    return frequency


def _best(found: Compared, pair: Ints, pairs: int) -> Compared:
    """Of each pair's combinations the one that weighs most; a tie is decided by the other weight and the level."""
    rank = (found.stranger * 100_000 + found.housemate) * 100 - found.level
    order = np.lexsort((found.frequent, rank, pair))
    last = np.flatnonzero(np.append(pair[order][1:] != pair[order][:-1], True)) if len(pair) else order
    best, at = order[last], pair[order[last]]
    result = Compared(
        np.full(pairs, MISSING), np.zeros(pairs, np.int64), np.zeros(pairs, np.int64), np.zeros(pairs, np.int64)
    )
    for name, values in vars(result).items():
        values[at] = vars(found)[name][best]
    return result


def _swap_names(
    population: Population, weights: Weights, left: Ints, right: Ints, compared: dict[str, Compared]
) -> Bools:
    """Reads first and last name in each other's place where that is the better explanation; says where."""
    swapped = np.zeros(len(left), dtype=np.bool_)
    direct = compared["first_name"].stranger + compared["last_name"].stranger
    at = np.flatnonzero((compared["first_name"].stranger < 0) & (compared["last_name"].stranger < 0))
    if not len(at):
        return swapped
    one = _compare(population, weights, "last_name", ("first_name", "last_name"), left[at], right[at])
    other = _compare(population, weights, "last_name", ("last_name", "first_name"), left[at], right[at])
    explains = one.stranger + other.stranger + SWAP_PENALTY > direct[at]
    swapped[at] = explains
    # Nobody says which side has its names in the right order: the reading that speaks less for one person counts.
    readings = [(_as_first_name(one, weights), other), (_as_first_name(other, weights), one)]
    sums = [first.housemate + last.housemate for first, last in readings]
    ranks = [total * 1000 + last.stranger for total, (_, last) in zip(sums, readings, strict=True)]
    for name, first, second in zip(("first_name", "last_name"), *readings, strict=True):
        _replace(compared, name, at[explains], first.where(second, ranks[1] < ranks[0]), explains)
    return swapped


def _as_first_name(found: Compared, weights: Weights) -> Compared:
    level = _FIRST_NAME_LEVEL[found.level]
    housemate = weights.tables["first_name"].housemate[level, count_bins(found.frequent)]
    return Compared(level, found.stranger, np.where(level < 0, 0, housemate), found.frequent)


def _replace(compared: dict[str, Compared], attribute: str, at: Ints, by: Compared, where: Bools) -> None:
    for name, values in vars(compared[attribute]).items():
        values[at] = vars(by)[name][where]


def _rules(compared: dict[str, Compared]) -> Ints:
    result = np.full(len(compared[RULES[0]].level), -1, dtype=np.int64)
    first, last, date = (_differs(compared, name) for name in ("first_name", "last_name", "birth_date"))
    spoken_against = {"loyalty_number": first & date, "email": first & (last | date), "phone": first | date}
    for number, attribute in reversed(list(enumerate(RULES))):
        found = compared[attribute]
        holds = (found.level == 0) & (found.frequent <= SHARED_BY_AT_MOST) & ~spoken_against[attribute]
        result[holds] = number
    return result


def _differs(compared: dict[str, Compared], attribute: str) -> Bools:
    differs: Bools = compared[attribute].level == len(COMPARISON[attribute].levels) - 1
    return differs
