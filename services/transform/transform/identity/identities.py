"""What is told of each record: its customer, why, and the customers it was taken for before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from transform.identity.clusters import Links, Tie
from transform.identity.population import Population
from transform.identity.records import customer_id
from transform.identity.rows import moment
from transform.identity.scoring import RULES

RESEMBLANCE: Final = "resemblance"
SELF: Final = "self"


@dataclass(frozen=True)
class Identity:
    """The customer a record is, and the strongest evidence within that customer.

    `evidence` is the rule that links it to `linked_to`, "resemblance" when many comparisons do together, and "self"
    for the customer's oldest record. The link exists since both records do: `linked_at`.
    """

    id: str
    customer_id: str
    evidence: str
    linked_to: str
    linked_at: datetime
    weight: int
    """Of the link, in hundredths of a bit; 0 for "self"."""
    former_customer_ids: tuple[str, ...] = ()
    """Merges: the customers it was before, as the records came one after another; the last one is the most recent."""
    split_from: str | None = None
    """Splits: the customer that links lead to and that it is kept apart from, for all records of both do not agree."""


def identities_of(
    population: Population, cluster: Sequence[int], links: Links, component_oldest: int
) -> list[Identity]:
    """The identities of a cluster's records, which come from the oldest on."""
    oldest = population.ids[cluster[0]]
    apart = component_oldest != cluster[0]
    split_from = customer_id(population.ids[component_oldest]) if apart else None
    former = _former(cluster, links)
    found = []
    for slot in cluster:
        to, tie = _strongest(slot, cluster, links)
        found.append(
            Identity(
                id=population.ids[slot],
                customer_id=customer_id(oldest),
                evidence=SELF if slot == to else _evidence(tie),
                linked_to=population.ids[to],
                linked_at=moment(int(max(population.seen_at[slot], population.seen_at[to]))),
                weight=tie.weight,
                former_customer_ids=tuple(customer_id(population.ids[one]) for one in former[slot]),
                split_from=split_from,
            )
        )
    return found


def _evidence(tie: Tie) -> str:
    return RULES[tie.rule] if tie.rule >= 0 else RESEMBLANCE


def _strongest(slot: int, cluster: Sequence[int], links: Links) -> tuple[int, Tie]:
    """The strongest rule before any resemblance, then the weight, then the older partner; the oldest is itself."""
    if slot == cluster[0]:
        return slot, Tie(0, -1)
    ties = [(other, links[slot][other]) for other in cluster if other in links.get(slot, {})]
    return min(ties, key=lambda one: (one[1].rule if one[1].rule >= 0 else len(RULES), -one[1].weight))


def _former(cluster: Sequence[int], links: Links) -> dict[int, list[int]]:
    """By record the oldest ones of the clusters it was in before, had the records come one by one in their order."""
    oldest: dict[int, int] = {}
    former: dict[int, list[int]] = {slot: [] for slot in cluster}
    for slot in cluster:
        joined = [oldest[other] for other in links.get(slot, {}) if other in oldest]
        root = min([*joined, slot], key=cluster.index)
        oldest[slot] = root
        for one, was in oldest.items():
            if was in joined and was != root:
                oldest[one] = root
                former[one].append(was)
    return former
