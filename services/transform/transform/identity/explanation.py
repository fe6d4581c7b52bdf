"""Why two records are linked, or are not: each comparison, its level and weight, the sums, and the way between."""

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np

from transform.identity.arrays import Ints
from transform.identity.clusters import Links
from transform.identity.population import Population
from transform.identity.resolver import Resolver
from transform.identity.scoring import MISSING, RULES, SHARED_BY_AT_MOST, Compared, Scores, score
from transform.identity.weights import AGREED, COMPARISON, SWAP_PENALTY, THRESHOLD, Weights, count_bins, weights

_BITS: Final = 100


@dataclass(frozen=True)
class Line:
    """One comparison; weights in bits."""

    attribute: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    level: str
    stranger: float
    housemate: float
    bearers: int
    """How many records have the value, the more frequent of the two."""
    frequency_adjustment: float
    """Of `stranger`: how much more the agreement weighs than with a value as frequent as usual."""


@dataclass(frozen=True)
class PairExplained:
    """Two records compared; sums in bits."""

    left: str
    right: str
    lines: tuple[Line, ...]
    swapped_names: bool
    address_correction: float
    """Street, town and state hang together: what their weights say twice."""
    stranger_prior: float
    housemate_prior: float
    stranger: float
    housemate: float
    rule: str | None
    weight: float
    threshold: float
    customers: tuple[str, str]
    way: tuple[str, ...]
    """The records from one to the other along the strongest links; empty when no links connect them."""


def explain(resolver: Resolver, left: str, right: str) -> PairExplained:
    """Why these two records are one customer or two; KeyError when one is not known."""
    population, model = resolver.population, weights(resolver.setting)
    slots = [np.array([population.slot_of[id_]]) for id_ in (left, right)]
    scores = score(population, model, *slots)
    lines = tuple(_line(population, model, attribute, scores, *slots) for attribute in COMPARISON)
    rule = int(scores.rule[0])
    counted = sum(line.stranger for line in lines) + _bits(model.stranger_prior)
    swap = _bits(SWAP_PENALTY) if scores.swapped[0] else 0.0
    told = {one.id: one.customer_id for one in resolver.tell_about([int(slot[0]) for slot in slots])}
    return PairExplained(
        left=left,
        right=right,
        lines=lines,
        swapped_names=bool(scores.swapped[0]),
        address_correction=round(_bits(scores.stranger[0]) - counted - swap, 2),
        stranger_prior=_bits(model.stranger_prior),
        housemate_prior=_bits(model.housemate_prior),
        stranger=_bits(scores.stranger[0]),
        housemate=_bits(scores.housemate[0]),
        rule=RULES[rule] if rule >= 0 else None,
        weight=_bits(scores.weight[0]),
        threshold=_bits(THRESHOLD),
        customers=(told[left], told[right]),
        way=tuple(population.ids[slot] for slot in _way(resolver.links, *(int(slot[0]) for slot in slots))),
    )


def _line(population: Population, model: Weights, attribute: str, scores: Scores, left: Ints, right: Ints) -> Line:
    found, levels = scores.compared[attribute], COMPARISON[attribute].levels
    level = int(found.level[0])
    texts = [tuple(population.texts(attribute, int(slot[0]))) for slot in (left, right)]
    return Line(
        attribute=attribute,
        left=texts[0],
        right=texts[1],
        level="not known of both" if level == MISSING else levels[level].name,
        stranger=_bits(found.stranger[0]),
        housemate=_bits(found.housemate[0]) if attribute in _AGAINST_HOUSEMATES else 0.0,
        bearers=int(found.frequent[0]),
        frequency_adjustment=_adjustment(model, attribute, found),
    )


_AGAINST_HOUSEMATES: Final = frozenset({"first_name", "last_name", "birth_date", "street", *RULES})


def _adjustment(model: Weights, attribute: str, found: Compared) -> float:
    """Against a value that only the two have."""
    level = int(found.level[0])
    if level == MISSING:
        return 0.0
    weight = model.tables[attribute].stranger[level]
    return _bits(weight[count_bins(found.frequent)[0]] - weight[0])


def _bits(hundredths: float) -> float:
    return round(float(hundredths) / _BITS, 2)


def _way(links: Links, start: int, goal: int) -> list[int]:
    """The way whose weakest link is strongest, then the shortest."""
    best: dict[int, tuple[float, int]] = {start: (-np.inf, 0)}
    queue: list[tuple[float, int, int, list[int]]] = [(-np.inf, 0, start, [start])]
    while queue:
        weakest, steps, at, way = heapq.heappop(queue)
        if at == goal:
            return way
        for other, tie in links.get(at, {}).items():
            cost = (max(weakest, -float(tie.weight)), steps + 1)
            if other not in best or cost < best[other]:
                best[other] = cost
                heapq.heappush(queue, (*cost, other, [*way, other]))
    return []


def as_text(explained: PairExplained) -> str:
    """A table for people: what was compared, what it weighs, and what follows."""
    rows = [("", explained.left, explained.right, "level", "stranger", "housemate", "bearers", "frequency")]
    rows += [
        (
            line.attribute, " | ".join(line.left) or "-", " | ".join(line.right) or "-", line.level,
            f"{line.stranger:+.2f}", f"{line.housemate:+.2f}", str(line.bearers), f"{line.frequency_adjustment:+.2f}",
        )
        for line in explained.lines
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*table, "", *_conclusions(explained)])


def _conclusions(explained: PairExplained) -> list[str]:
    swap = f"names exchanged: {_bits(SWAP_PENALTY):+.2f} against a stranger\n" if explained.swapped_names else ""
    is_one = explained.customers[0] == explained.customers[1]
    same = "one customer" if is_one else "two customers"
    if explained.way and not is_one:
        same += f", for on average all records of both weigh less than {_bits(AGREED):+.2f} bits with each other"
    way = " → ".join(explained.way) if explained.way else "no links connect them"
    return [
        f"{swap}street, town and state hang together: {explained.address_correction:+.2f} against a stranger",
        f"prior: {explained.stranger_prior:+.2f} and {explained.housemate_prior:+.2f}",
        f"sum: {explained.stranger:+.2f} against a stranger, {explained.housemate:+.2f} against a housemate",
        f"rule: {explained.rule or 'none'} (a value of more than {SHARED_BY_AT_MOST} records makes no rule)",
        f"weight: {explained.weight:+.2f} bits, threshold {explained.threshold:+.2f}: "
        + ("a link" if explained.weight >= explained.threshold else "no link"),
        f"way: {way}",
        f"{same}: {', '.join(dict.fromkeys(explained.customers))}",
    ]
