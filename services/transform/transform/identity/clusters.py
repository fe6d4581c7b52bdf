"""From links to people: connected records are one person as far as all of them agree, not merely each with the next.

A connected component is looked at as a whole: every pair in it is weighed, and clusters grow from the strongest link
on, as long as their members agree on average. So a chain of housemates is cut where it is weak, a village never
becomes one person, and the outcome follows from the component's records alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from transform.identity.arrays import Bools, Ints

# Pairs in a component grow with its square. A person has fewer records than this: a larger component is first cut at
# ever higher weights.
COMPONENT_MAX: Final = 100
_RAISE: Final = 200
# One overwhelming agreement must not outvote several contradictions.
_WEIGHT_MAX, _WEIGHT_MIN = 800, -800


class Tie(NamedTuple):
    """Why two records are linked: the weight in hundredths of a bit, and the number of the rule in RULES or -1."""

    weight: int
    rule: int


Links = Mapping[int, Mapping[int, Tie]]
"""By record the records it is linked to; both directions."""


def components(links: Links, starts: Iterable[int]) -> Iterator[list[int]]:
    """The connected components that the starts lie in, each once."""
    seen: set[int] = set()
    for start in starts:
        if start not in seen:
            component = _reach(links, start)
            seen.update(component)
            yield component


def _reach(links: Links, start: int) -> list[int]:
    reached, frontier = {start}, [start]
    while frontier:
        frontier = [other for one in frontier for other in links.get(one, ()) if other not in reached]
        frontier = list(dict.fromkeys(frontier))
        reached.update(frontier)
    return list(reached)


def is_agreed(component: Sequence[int], links: Links) -> bool:
    """Whether everyone is linked to everyone: then there is nothing to weigh."""
    return all(len(links.get(one, ())) == len(component) - 1 for one in component)


def parts(component: Sequence[int], links: Links) -> Iterator[list[int]]:
    """The component itself, or what it falls into when weaker and weaker links are cut until nothing is too large."""
    if len(component) <= COMPONENT_MAX:
        yield list(component)
        return
    inside = set(component)
    weakest = min(tie.weight for one in component for other, tie in links[one].items() if other in inside)
    kept = {
        one: {other: tie for other, tie in links[one].items() if tie.weight > weakest + _RAISE and other in inside}
        for one in component
    }
    for smaller in components(kept, component):
        yield from parts(smaller, kept)


def pairs(members: Sequence[int]) -> tuple[Ints, Ints]:
    """Every two members, once."""
    one, other = np.triu_indices(len(members), k=1)
    slots = np.array(members, dtype=np.int64)
    return slots[one], slots[other]


def agreed(members: Sequence[int], linked: Bools, weights: Ints, least: int) -> list[list[int]]:
    """The members in clusters, from the links and weights of `pairs`; the order of members decides ties."""
    size = len(members)
    weight, links = np.zeros((size, size), dtype=np.int64), np.zeros((size, size), dtype=np.bool_)
    above = np.triu_indices(size, k=1)
    weight[above], links[above] = np.clip(weights, _WEIGHT_MIN, _WEIGHT_MAX), linked
    found = _merged(weight + weight.T, links | links.T, least)
    return [[members[at] for at in cluster] for cluster in found]


def _merged(total: Ints, linked: Bools, least: int) -> list[list[int]]:
    """Merges the two linked clusters that agree most on average, again and again; of equals the first."""
    clusters: dict[int, list[int]] = {at: [at] for at in range(len(total))}
    sizes = np.ones(len(total), dtype=np.int64)
    open_ = np.triu(np.ones(total.shape, dtype=bool), k=1)
    while True:
        average = np.where(open_ & linked, total / np.outer(sizes, sizes), -np.inf)
        one, other = divmod(int(np.argmax(average)), len(total))
        if average[one, other] < least:
            return [sorted(cluster) for cluster in clusters.values()]
        clusters[one] += clusters.pop(other)
        total[one] += total[other]
        total[:, one] += total[:, other]
        linked[one] |= linked[other]
        linked[:, one] |= linked[:, other]
        sizes[one] += sizes[other]
        open_[other] = open_[:, other] = False
