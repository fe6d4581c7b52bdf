"""Scoring an order: the first answer holds, and an answer comes whatever is away."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from fraud.breaker import Breaker
from fraud.checkout import Checkout, ModelSlot, Served, score_order
from fraud.errors import KeyReused, ModelMissing, VelocityUnavailable
from fraud.orders import History
from fraud.store import InMemoryVelocityStore, ScoreOrder
from fraud_builders import NOON, POLICY, a_model, an_order
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.events import FraudDecision, decode_event

RETENTION = timedelta(days=90)
PAUSE = timedelta(seconds=1)


class AwayStore(InMemoryVelocityStore):
    """A store that refuses from a given step on."""

    away_from = "open"

    async def open(self, request: ScoreOrder) -> History | bytes:
        if self.away_from == "open":
            raise VelocityUnavailable("away")
        return await super().open(request)

    async def close(self, request: ScoreOrder, answer: bytes, event: bytes) -> bytes:
        raise VelocityUnavailable("away")


class CountingStore(AwayStore):
    """Counts how often it is asked to open an order."""

    asked = 0

    async def open(self, request: ScoreOrder) -> History | bytes:
        self.asked += 1
        return await super().open(request)


class HangingStore(InMemoryVelocityStore):
    """A store that never answers."""

    async def open(self, request: ScoreOrder) -> History | bytes:
        await asyncio.Event().wait()
        raise AssertionError


def a_checkout(store: InMemoryVelocityStore, aside: list[bytes] | None = None) -> Checkout:
    kept = [] if aside is None else aside
    return Checkout(
        store=store,
        slot=ModelSlot(Served(a_model(), {"kind": "prior"})),
        policy=POLICY,
        clock=store.clock,
        velocity_timeout=timedelta(milliseconds=50),
        breaker=Breaker(store.clock, PAUSE),
        keep_aside=lambda _order_id, event: kept.append(event),
    )


def in_memory(kind: type[InMemoryVelocityStore] = InMemoryVelocityStore, **state: Any) -> InMemoryVelocityStore:
    store = kind(ManualClock(NOON), RETENTION)
    for name, value in state.items():
        setattr(store, name, value)
    return store


async def test_an_answer_carries_score_reasons_and_model() -> None:
    store = in_memory()
    answer = await a_checkout(store).score(score_order("client", "key", an_order(amount_minor=30_000)))
    assert answer.score is not None
    assert 0 < answer.score < 1
    assert (answer.decision, answer.reasons) == ("review", ("amount_over_review_limit@1",))
    assert answer.model_version == a_model().version


async def test_a_decision_goes_out_as_the_event_of_the_contract() -> None:
    store = in_memory()
    order = an_order()
    answer = await a_checkout(store).score(score_order("client", "key", order))
    (outgoing,) = await store.outbox(10)
    event = decode_event(outgoing.event, FraudDecision)
    assert (event.order_id, event.score_bits, event.score) == (order.order_id, answer.score_bits, answer.score)
    assert (event.occurred_at, event.decided_at, event.source) == (NOON, NOON, "fraud")


async def test_the_same_request_gives_the_first_answer_and_one_event() -> None:
    store = in_memory()
    checkout, request = a_checkout(store), score_order("client", "key", an_order())
    first = await checkout.score(request)
    checkout.slot.served = None
    assert await checkout.score(request) == first
    assert len(await store.outbox(10)) == 1


async def test_requests_that_race_get_one_answer() -> None:
    store = in_memory()
    checkout, request = a_checkout(store), score_order("client", "key", an_order())
    answers = await asyncio.gather(*(checkout.score(request) for _ in range(5)))
    assert len(set(answers)) == 1
    assert len(await store.outbox(10)) == 1


async def test_a_key_belongs_to_its_client() -> None:
    checkout = a_checkout(in_memory())
    await checkout.score(score_order("one", "key", an_order()))
    await checkout.score(score_order("two", "key", an_order()))
    with pytest.raises(KeyReused):
        await checkout.score(score_order("two", "key", an_order()))


@pytest.mark.parametrize("kind", [AwayStore, HangingStore])
async def test_without_velocity_rules_answer_and_the_event_is_kept_aside(kind: type[InMemoryVelocityStore]) -> None:
    aside: list[bytes] = []
    answer = await a_checkout(in_memory(kind), aside).score(score_order("client", "key", an_order()))
    assert (answer.decision, answer.score, answer.reasons) == ("allow", None, ("velocity_unavailable",))
    assert msgspec.json.decode(aside[0])["reasons"] == ["velocity_unavailable"]


async def test_when_velocity_goes_away_halfway_the_score_still_counts() -> None:
    aside: list[bytes] = []
    store = in_memory(AwayStore, away_from="close")
    answer = await a_checkout(store, aside).score(score_order("client", "key", an_order()))
    assert answer.score is not None
    assert decode_event(aside[0], FraudDecision).score_bits == answer.score_bits


async def test_while_velocity_is_away_only_one_order_per_pause_waits_for_it() -> None:
    clock = ManualClock(NOON)
    store = CountingStore(clock, RETENTION)
    checkout = a_checkout(store)

    async def asked() -> int:
        before = store.asked
        answers = [checkout.score(score_order("client", f"key {clock.now()} {n}", an_order())) for n in range(5)]
        assert {answer.reasons for answer in await asyncio.gather(*answers)} == {("velocity_unavailable",)}
        return store.asked - before

    await checkout.score(score_order("client", "the first to wait", an_order()))
    assert await asked() == 0
    clock.advance(PAUSE)
    assert await asked() == 1
    store.away_from = "close"
    clock.advance(PAUSE)
    answer = await checkout.score(score_order("client", "back again", an_order()))
    assert answer.score is not None


async def test_a_refusal_of_the_store_is_an_answer_of_it() -> None:
    checkout, order = a_checkout(in_memory()), an_order()
    await checkout.score(score_order("client", "key", order))
    with pytest.raises(KeyReused):
        await checkout.score(score_order("client", "key", an_order()))
    assert checkout.breaker.admits()


def test_a_clock_that_is_set_back_does_not_keep_a_breaker_open() -> None:
    clock = ManualClock(NOON)
    breaker = Breaker(clock, PAUSE)
    breaker.failed()
    assert not breaker.admits()
    clock.advance(-timedelta(hours=1))
    assert breaker.admits()


async def test_without_a_model_rules_answer() -> None:
    checkout = a_checkout(in_memory())
    checkout.slot.served = None
    answer = await checkout.score(score_order("client", "key", an_order()))
    assert (answer.reasons, answer.model_version) == (("model_unavailable",), "none")
    with pytest.raises(ModelMissing):
        checkout.slot.require()
