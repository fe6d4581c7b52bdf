"""Rules that hold whatever the model says: each gives a reason and the least decision it asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fraud.orders import Order


class Decision(StrEnum):
    """What checkout should do with an order, from mildest to strictest."""

    ALLOW = "allow"
    REVIEW = "review"
    BLOCK = "block"


STRICTNESS = {Decision.ALLOW: 0, Decision.REVIEW: 1, Decision.BLOCK: 2}


def strictest(*decisions: Decision) -> Decision:
    """Return the strictest of the decisions."""
    return max(decisions, key=STRICTNESS.__getitem__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the rules compare with: amounts in minor units, a card's orders per hour, and tokens that are blocked."""

    review_amount_minor: int
    block_amount_minor: int
    card_orders_per_hour: int
    blocked_cards: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule may look at; without velocity `features` is empty and velocity rules stay silent."""

    order: Order
    features: Mapping[str, int]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Rule:
    """A named, versioned condition and the least decision that follows from it."""

    rule_id: str
    version: int
    at_least: Decision
    applies: Callable[[Facts], bool]

    @property
    def reason(self) -> str:
        """The reason code that an answer carries: `<rule id>@<version>`."""
        return f"{self.rule_id}@{self.version}"


def _amount_over_review_limit(facts: Facts) -> bool:
    return facts.order.amount_minor > facts.limits.review_amount_minor


def _amount_over_block_limit(facts: Facts) -> bool:
    return facts.order.amount_minor > facts.limits.block_amount_minor


def _card_velocity(facts: Facts) -> bool:
    return facts.features.get("card_count_1h", 0) >= facts.limits.card_orders_per_hour


def _card_blocked(facts: Facts) -> bool:
    return facts.order.card_token in facts.limits.blocked_cards


RULES: tuple[Rule, ...] = (
    Rule("amount_over_review_limit", 1, Decision.REVIEW, _amount_over_review_limit),
    Rule("amount_over_block_limit", 1, Decision.BLOCK, _amount_over_block_limit),
    Rule("card_velocity", 1, Decision.REVIEW, _card_velocity),
    Rule("card_blocked", 1, Decision.BLOCK, _card_blocked),
)


def firing(facts: Facts) -> list[Rule]:
    """List the rules that apply, in their stated order."""
    return [rule for rule in RULES if rule.applies(facts)]
