"""The score offered at checkout is the score the training code computes, bit for bit."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from fraud.breaker import Breaker
from fraud.checkout import Checkout, ModelSlot, Served, score_order
from fraud.decisions import OrderScored
from fraud.jobs import Rescored, rescore, warm
from fraud.orders import Label, Order
from fraud.redis_store import RedisVelocityStore
from fraud.store import InMemoryVelocityStore, VelocityStore
from fraud_builders import NOON, NOON_MS, POLICY, DigestModel, label_lists, order_lists
from fraud_redis import empty_redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shopsphere_kit.clock import ManualClock

MODEL = DigestModel()
RETENTION = timedelta(days=90)
AFTER = NOON_MS + 1


def offline(orders: Sequence[Order], labels: Sequence[Label]) -> dict[str, Rescored]:
    again = rescore(orders, labels, MODEL, POLICY, start_ms=0, end_ms=AFTER)
    return {each.order.order_id: each for each in again}


def a_checkout(store: VelocityStore) -> Checkout:
    clock = ManualClock(NOON)
    never_open = Breaker(clock, timedelta())
    return Checkout(store, ModelSlot(Served(MODEL, {})), POLICY, clock, timedelta(seconds=30), never_open)


def bits(answer: OrderScored) -> tuple[str | None, str]:
    return answer.score_bits, answer.decision


async def served(checkout: Checkout, orders: Sequence[Order]) -> dict[str, tuple[str | None, str]]:
    return {
        order.order_id: bits(await checkout.score(score_order("client", f"key of {order.order_id}", order)))
        for order in orders
    }


def expected(orders: Sequence[Order], labels: Sequence[Label]) -> dict[str, tuple[str | None, str]]:
    again = offline(orders, labels)
    return {key: (each.verdict.score_bits, each.verdict.decision.value) for key, each in again.items()}


async def loaded_in_any_order(store: VelocityStore, data: st.DataObject) -> None:
    orders = data.draw(order_lists())
    labels = data.draw(label_lists(orders))
    await warm(store, data.draw(st.permutations(orders + orders[:5])), labels, until_ms=AFTER, days=90)
    await store.label(data.draw(st.permutations(labels + labels[:3])))
    asked = data.draw(st.permutations(orders + orders[:3]))
    assert await served(a_checkout(store), asked) == expected(orders, labels)


async def arriving_as_time_goes_by(store: VelocityStore, data: st.DataObject) -> None:
    orders = sorted(data.draw(order_lists()), key=lambda each: each.position)
    labels = data.draw(label_lists(orders))
    split = data.draw(st.sampled_from(orders)).ordered_at_ms
    await warm(store, orders, labels, until_ms=split, days=90)
    await store.label(labels)
    live = [order for order in orders if order.ordered_at_ms >= split]
    wanted = expected(orders, labels)
    assert await served(a_checkout(store), live) == {order.order_id: wanted[order.order_id] for order in live}


async def with_redis(redis_url: str, scenario: object, data: st.DataObject) -> None:
    async with empty_redis(redis_url) as client:
        await scenario(RedisVelocityStore(client, ManualClock(NOON), RETENTION), data)  # type: ignore[operator]


@pytest.mark.parametrize("scenario", [loaded_in_any_order, arriving_as_time_goes_by])
@given(data=st.data())
def test_served_scores_equal_offline_scores(scenario: object, data: st.DataObject) -> None:
    asyncio.run(scenario(InMemoryVelocityStore(ManualClock(NOON), RETENTION), data))  # type: ignore[operator]


@pytest.mark.servers
@pytest.mark.parametrize("scenario", [loaded_in_any_order, arriving_as_time_goes_by])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_scores_served_from_redis_equal_offline_scores(redis_url: str, scenario: object, data: st.DataObject) -> None:
    asyncio.run(with_redis(redis_url, scenario, data))
