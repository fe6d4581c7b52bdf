"""From features and a score to a decision: the one path that serving and rescoring share."""

import struct
from dataclasses import dataclass
from typing import Protocol

from fraud.features import FEATURE_NAMES, Features
from fraud.orders import Order
from fraud.rules import Decision, Facts, Limits, firing, strictest

SCORE_OVER_REVIEW = "score_over_review"
SCORE_OVER_BLOCK = "score_over_block"
VELOCITY_UNAVAILABLE = "velocity_unavailable"
MODEL_UNAVAILABLE = "model_unavailable"
# Stands for the version where no model was at hand.
NO_MODEL = "none"


class ScoringModel(Protocol):
    """Whatever turns features into a probability of fraud."""

    @property
    def version(self) -> str:
        """The digest that names the model."""
        ...

    def score(self, features: Features) -> float:
        """Return the probability of fraud, a float that holds a float32 exactly."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """From which score on an order is reviewed or blocked, and the limits of the rules."""

    review_score: float
    block_score: float
    limits: Limits


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with its score, null when it rests on rules alone, and the reasons for it."""

    decision: Decision
    score: float | None
    reasons: tuple[str, ...]
    model_version: str

    @property
    def score_bits(self) -> str | None:
        """The float32 score as eight hexadecimal digits, most significant first."""
        return None if self.score is None else score_bits(self.score)


def score_bits(score: float) -> str:
    """Write the bits of a float32 as eight hexadecimal digits, most significant first."""
    return struct.pack(">f", score).hex()


def judge(order: Order, features: Features | None, model: ScoringModel | None, policy: Policy) -> Verdict:
    """Decide about an order; without features (velocity away) or a model the rules decide alone, and say so."""
    score = model.score(features) if model and features is not None else None
    named = dict(zip(FEATURE_NAMES, features, strict=True)) if features is not None else {}
    rules = firing(Facts(order, named, policy.limits))
    by_score, reasons = _by_score(score, policy)
    if features is None:
        reasons = [VELOCITY_UNAVAILABLE]
    elif model is None:
        reasons = [MODEL_UNAVAILABLE]
    return Verdict(
        decision=strictest(by_score, *(rule.at_least for rule in rules)),
        score=score,
        reasons=(*reasons, *(rule.reason for rule in rules)),
        model_version=model.version if model else NO_MODEL,
    )


def _by_score(score: float | None, policy: Policy) -> tuple[Decision, list[str]]:
    """Compare the score with the policy's two thresholds."""
    if score is not None and score >= policy.block_score:
        return Decision.BLOCK, [SCORE_OVER_BLOCK]
    if score is not None and score >= policy.review_score:
        return Decision.REVIEW, [SCORE_OVER_REVIEW]
    return Decision.ALLOW, []
