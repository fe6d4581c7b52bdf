"""Replaying the past gives each order the features it had at its own time."""

from fraud.features import features
from fraud.orders import History, labels_by_order
from fraud.replay import OrderIndex, replay
from fraud_builders import NOON_MS, an_order, earlier, label_lists, order_lists
from hypothesis import given
from hypothesis import strategies as st


@given(st.data())
def test_replayed_features_are_those_over_all_orders_there_are(data: st.DataObject) -> None:
    orders = data.draw(order_lists())
    labels = labels_by_order(data.draw(label_lists(orders)))
    replayed = dict(replay(data.draw(st.permutations(orders * 2)), labels, start_ms=0, end_ms=NOON_MS + 1))
    assert replayed == {order: features(order, History(orders, labels)) for order in orders}
    assert [order.position for order in replayed] == sorted(order.position for order in orders)


def test_only_orders_of_the_range_are_replayed_but_all_count_as_past() -> None:
    past, order, later = earlier(5), an_order(), an_order(ordered_at_ms=NOON_MS + 5)
    replayed = list(replay([later, order, past], {}, start_ms=NOON_MS, end_ms=NOON_MS + 5))
    assert replayed == [(order, features(order, History([past])))]


def test_an_order_that_was_discarded_is_no_past_any_more() -> None:
    past, order = earlier(5), an_order()
    index = OrderIndex([past, order])
    index.discard(past.order_id)
    index.discard("never there")
    assert index.related(order) == []
