"""The three scenarios of the handbook, each on its own."""

from itertools import pairwise

from journey_builders import CHANCE, basket
from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.fraud import FraudPlan, Scenario, label_of

HOUSEHOLDS = list(range(1, 2_470))
STORES = list(range(1, 458))
PLAN = FraudPlan(CHANCE, STORES, HOUSEHOLDS)


def test_nothing_is_fraud_at_the_till() -> None:
    assert PLAN.scenario(basket(cents=100_000), Channel.TILL) is None


def test_an_amount_over_the_limit_is_fraud() -> None:
    household = next(h for h in HOUSEHOLDS if h not in PLAN.compromised_households(0))
    store = next(s for s in STORES if s not in PLAN.compromised_stores(0))
    over = basket(household_id=household, store_id=store, cents=15_001)
    at_limit = basket(household_id=household, store_id=store, cents=15_000)
    assert PLAN.scenario(over, Channel.WEB) is Scenario.AMOUNT
    assert PLAN.scenario(at_limit, Channel.WEB) is None


def test_every_order_of_a_compromised_store_is_fraud() -> None:
    household = next(h for h in HOUSEHOLDS if h not in PLAN.compromised_households(3))
    for store in PLAN.compromised_stores(3):
        assert PLAN.scenario(basket(household_id=household, store_id=store, day=3), Channel.WEB) is Scenario.STORE


def test_a_third_of_a_compromised_customers_orders_are_fraud() -> None:
    household = min(PLAN.compromised_households(5))
    store = next(s for s in STORES if s not in PLAN.compromised_stores(5))
    orders = (basket(household_id=household, store_id=store, day=5, basket_id=n) for n in range(3_000))
    stolen = sum(PLAN.scenario(order, Channel.MARKETPLACE) is Scenario.CARD for order in orders)
    assert 900 < stolen < 1_100


def test_a_compromised_store_stays_so_for_28_days() -> None:
    store = next(iter(PLAN.compromised_stores(28) - PLAN.compromised_stores(27)))
    days = [day for day in range(80) if store in PLAN.compromised_stores(day)]
    assert days[:28] == list(range(28, 56))


def test_a_compromised_card_stays_so_for_14_days() -> None:
    household = min(PLAN.compromised_households(20) - PLAN.compromised_households(19))
    days = [day for day in range(20, 60) if household in PLAN.compromised_households(day)]
    assert all(after == before + 1 for before, after in pairwise(days[:14]))


def test_the_first_day_already_has_its_share() -> None:
    assert 5 <= len(PLAN.compromised_stores(0)) <= 7, "seven draws, a store may be drawn twice"
    assert len(PLAN.compromised_households(0)) > 75


def test_most_sound_orders_never_get_a_label() -> None:
    at = basket().bought_at
    labels = [label_of(CHANCE, str(n), None, at) for n in range(10_000)]
    known = [label for label in labels if label is not None]
    assert 20 < len(known) < 90
    assert not any(label.is_fraud for label in known)
