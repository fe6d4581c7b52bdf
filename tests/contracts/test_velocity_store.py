"""What every velocity store does: one suite, run on the store in memory and on the functions in a real Redis."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from fraud.errors import KeyReused, OrderDiffers
from fraud.features import DAY_MS, HISTORY_MS, features
from fraud.orders import History, Order, labels_by_order
from fraud.redis_store import RedisVelocityStore
from fraud.store import QUARANTINE_MAX, InMemoryVelocityStore, Reject, ScoreOrder, VelocityStore
from fraud_builders import NOON, a_label, an_order, earlier
from fraud_redis import empty_redis
from shopsphere_kit.clock import ManualClock

RETENTION = timedelta(days=90)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def store(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[VelocityStore]:
    if request.param == "memory":
        yield InMemoryVelocityStore(clock, RETENTION)
        return
    async with empty_redis(request.getfixturevalue("redis_url")) as client:
        yield RedisVelocityStore(client, clock, RETENTION)


def a_request(order: Order, key: str | None = None, digest: str = "digest") -> ScoreOrder:
    return ScoreOrder(key or f"key of {order.order_id}", digest, order)


async def history(store: VelocityStore, order: Order) -> History:
    opened = await store.open(a_request(order))
    assert isinstance(opened, History)
    return opened


def ids(opened: History) -> set[str]:
    return {order.order_id for order in opened.orders}


async def test_a_history_holds_what_shares_the_user_the_card_or_the_store(store: VelocityStore) -> None:
    by_user = earlier(1, card_token="card-8", store_id=8)
    by_card = earlier(2, user_id=None, store_id=7)
    by_store = earlier(3, user_id="U6", card_token="card-6")
    stranger = earlier(4, user_id="U5", card_token="card-5", store_id=5)
    await store.record([by_user, by_card, by_store, stranger])
    opened = await history(store, an_order())
    assert sorted(opened.orders, key=lambda each: each.position) == [by_store, by_card, by_user]


async def test_a_history_goes_back_thirty_days_from_the_order_at_hand(store: VelocityStore) -> None:
    edge, beyond = earlier(HISTORY_MS), earlier(HISTORY_MS + 1)
    await store.record([beyond, edge])
    assert ids(await history(store, an_order())) == {edge.order_id}


async def test_an_order_that_was_scored_is_the_past_of_the_next(store: VelocityStore) -> None:
    first = earlier(1)
    assert ids(await history(store, first)) == set()
    assert ids(await history(store, an_order())) == {first.order_id}


async def test_opening_twice_records_once_and_shows_the_same(store: VelocityStore) -> None:
    order = an_order()
    await store.record([earlier(1)])
    assert await history(store, order) == await history(store, order)


async def test_later_orders_in_the_store_do_not_change_the_features(store: VelocityStore) -> None:
    order, past = an_order(), earlier(5)
    await store.record([an_order(ordered_at_ms=order.ordered_at_ms + DAY_MS), past])
    assert features(order, await history(store, order)) == features(order, History([past]))


async def test_ids_with_any_visible_characters_and_large_numbers_survive(store: VelocityStore) -> None:
    past = earlier(1, order_id='"\\{x}:*', store_id=2**63 - 1, card_token="[1,2]:é", amount_minor=10**12)
    await store.record([past])
    assert list((await history(store, an_order(card_token="[1,2]:é"))).orders) == [past]


async def test_the_lakes_version_of_an_order_replaces_ours(store: VelocityStore) -> None:
    ours = earlier(1, card_token="card-9")
    lakes = Order(ours.order_id, "U1", 1, "card-1", 999, 1, 1, ours.ordered_at_ms - 5)
    await history(store, ours)
    assert await store.record([lakes]) == 1
    assert await store.record([lakes]) == 0
    assert list((await history(store, an_order())).orders) == [lakes]
    assert ids(await history(store, an_order(card_token="card-9", user_id=None, store_id=9))) == set()


async def test_a_changed_order_under_the_same_id_is_refused(store: VelocityStore) -> None:
    order = an_order()
    await history(store, order)
    changed = an_order(order_id=order.order_id, amount_minor=1)
    with pytest.raises(OrderDiffers):
        await store.open(a_request(changed, "another key"))


async def test_labels_come_with_the_orders_they_are_about(store: VelocityStore) -> None:
    past = earlier(1)
    labels = [a_label(past), a_label(past, is_fraud=False, known_at_ms=5), a_label(an_order(order_id="elsewhere"))]
    await store.record([past])
    assert await store.label(labels) == 3
    found = (await history(store, an_order())).labels
    assert set(found[past.order_id]) == set(labels[:2])
    assert "elsewhere" not in found


async def test_a_label_counts_once_and_may_come_before_its_order(store: VelocityStore) -> None:
    past = earlier(1)
    assert await store.label([a_label(past), a_label(past)]) == 1
    assert await store.label([a_label(past)]) == 0
    await store.record([past])
    assert list((await history(store, an_order())).labels[past.order_id]) == [a_label(past)]


async def test_the_first_answer_holds(store: VelocityStore) -> None:
    request = a_request(an_order())
    await store.open(request)
    await store.open(request)
    assert await store.close(request, b"first", b"{}") == b"first"
    assert await store.close(request, b"second", b"{}") == b"first"
    assert await store.open(request) == b"first"
    assert len(await store.outbox(10)) == 1


async def test_a_key_with_another_body_is_refused(store: VelocityStore) -> None:
    order = an_order()
    await store.open(a_request(order, "key", "one"))
    with pytest.raises(KeyReused):
        await store.open(a_request(an_order(), "key", "two"))


async def test_decisions_wait_in_the_outbox_in_order_until_they_are_sent(store: VelocityStore) -> None:
    orders = [an_order() for _ in range(3)]
    for order in orders:
        await store.open(a_request(order))
        await store.close(a_request(order), b"answer", f"event of {order.order_id}".encode())
    waiting = await store.outbox(2)
    assert [(each.order_id, each.event) for each in waiting] == [
        (order.order_id, f"event of {order.order_id}".encode()) for order in orders[:2]
    ]
    await store.sent(waiting)
    await store.sent([])
    assert [each.order_id for each in await store.outbox(10)] == [orders[2].order_id]


async def test_unreadable_records_are_put_aside_without_harm(store: VelocityStore) -> None:
    reject = Reject("fraud-labels", 0, 7, "not_json", "not JSON", b"\xff{")
    assert await store.label([], [reject, reject]) == 0


async def positions_aside(store: VelocityStore) -> set[int]:
    """The offsets of the unreadable records that the store keeps."""
    if isinstance(store, InMemoryVelocityStore):
        return {offset for _, _, offset in store.rejects}
    assert isinstance(store, RedisVelocityStore)
    kept = await store._client.hkeys("{fraud}:quarantine")
    return {int(str(position).rpartition("/")[2]) for position in kept}


async def test_of_unreadable_records_the_newest_are_kept(store: VelocityStore, clock: ManualClock) -> None:
    for offset in range(QUARANTINE_MAX + 2):
        await store.label([], [Reject("fraud-labels", 0, offset, "not_json", "not JSON", b"{")])
        clock.advance(timedelta(milliseconds=1))
    assert await positions_aside(store) == set(range(2, QUARANTINE_MAX + 2))


async def test_unreadable_records_are_forgotten_after_the_retention(store: VelocityStore, clock: ManualClock) -> None:
    await store.label([], [Reject("fraud-labels", 0, 7, "not_json", "not JSON", b"{")])
    clock.advance(RETENTION)
    await store.record([])
    assert await positions_aside(store) == set()


async def test_orders_are_forgotten_after_the_retention(store: VelocityStore, clock: ManualClock) -> None:
    await store.record([earlier(1)])
    clock.advance(RETENTION - timedelta(days=1))
    kept = earlier(2)
    await store.record([kept])
    clock.advance(timedelta(days=1))
    assert ids(await history(store, an_order())) == {kept.order_id}


async def test_a_long_history_comes_back_whole(store: VelocityStore) -> None:
    orders = [earlier(number + 1) for number in range(2_500)]
    await store.record(orders)
    labels = [a_label(order) for order in orders]
    await store.label(labels)
    opened = await history(store, an_order())
    assert ids(opened) == {order.order_id for order in orders}
    assert {key: tuple(known) for key, known in opened.labels.items()} == labels_by_order(labels)
