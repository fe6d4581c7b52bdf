"""Decisions: what rules ask for at least, what the score asks for, and why."""

import struct

import pytest
from fraud.features import features
from fraud.orders import History, Order
from fraud.rules import RULES, Decision, strictest
from fraud.scoring import judge, score_bits
from fraud_builders import POLICY, FixedModel, a_model, an_order, earlier
from hypothesis import given
from hypothesis import strategies as st


def judged(order: Order, score: float = 0.0, *past: Order) -> tuple[str, tuple[str, ...]]:
    verdict = judge(order, features(order, History(past)), FixedModel(score), POLICY)
    return verdict.decision, verdict.reasons


def test_an_unremarkable_order_is_allowed_without_reasons() -> None:
    assert judged(an_order()) == ("allow", ())


@pytest.mark.parametrize(
    ("score", "decision", "reasons"),
    [
        (0.29, "allow", ()),
        (0.3, "review", ("score_over_review",)),
        (0.8, "block", ("score_over_block",)),
    ],
)
def test_thresholds_include_their_own_value(score: float, decision: str, reasons: tuple[str, ...]) -> None:
    assert judged(an_order(), score) == (decision, reasons)


def test_amounts_over_the_limits_ask_for_review_and_block() -> None:
    assert judged(an_order(amount_minor=22_000)) == ("allow", ())
    assert judged(an_order(amount_minor=22_001)) == ("review", ("amount_over_review_limit@1",))
    both = ("amount_over_review_limit@1", "amount_over_block_limit@1")
    assert judged(an_order(amount_minor=100_001)) == ("block", both)


def test_a_card_in_a_hurry_is_reviewed() -> None:
    past = [earlier(each) for each in range(1, 6)]
    assert judged(an_order(), 0.0, *past) == ("review", ("card_velocity@1",))
    assert judged(an_order(), 0.0, *past[1:]) == ("allow", ())


def test_a_blocked_card_is_blocked_whatever_the_score() -> None:
    assert judged(an_order(card_token="card-stolen")) == ("block", ("card_blocked@1",))


def test_without_velocity_rules_decide_alone_and_say_so() -> None:
    verdict = judge(an_order(amount_minor=30_000), None, FixedModel(0.99), POLICY)
    assert (verdict.decision, verdict.score, verdict.score_bits) == ("review", None, None)
    assert verdict.reasons == ("velocity_unavailable", "amount_over_review_limit@1")


def test_without_a_model_rules_decide_alone_and_say_so() -> None:
    order = an_order()
    verdict = judge(order, features(order, History()), None, POLICY)
    assert (verdict.decision, verdict.model_version, verdict.reasons) == ("allow", "none", ("model_unavailable",))


def test_a_rule_never_softens_a_decision() -> None:
    assert strictest(Decision.BLOCK, Decision.REVIEW, Decision.ALLOW) is Decision.BLOCK
    assert len({rule.rule_id for rule in RULES}) == len(RULES)


@given(st.integers(0, 10_000_000))
def test_score_bits_read_back_to_the_score(amount_minor: int) -> None:
    order = an_order(amount_minor=amount_minor)
    score = a_model().score(features(order, History())) if amount_minor % 50 == 0 else amount_minor / 2**24
    assert struct.unpack(">f", bytes.fromhex(score_bits(score)))[0] == score
