"""The features of an order: windows, ties, ratios and what was known when."""

from datetime import datetime

import pytest
from fraud.features import DAY_MS, FEATURE_NAMES, HISTORY_MS, HOUR_MS, features, named_features
from fraud.orders import History, Order, labels_by_order
from fraud.units import epoch_ms
from fraud_builders import NOON_MS, a_label, an_order, earlier, label_lists, order_lists
from hypothesis import given
from hypothesis import strategies as st


def seen(order: Order, *past: Order) -> dict[str, int]:
    return named_features(order, History(past))


def test_an_order_without_a_past_has_empty_windows() -> None:
    values = seen(an_order(user_id=None))
    assert values["card_count_30d"] == values["user_count_30d"] == values["store_count_30d"] == 0
    assert values["card_mean_30d"] == values["card_amount_to_mean_permille"] == 0
    assert values["card_seconds_since_last"] == HISTORY_MS // 1000
    assert values["has_user"] == 0


@pytest.mark.parametrize(("window", "length_ms"), [("1h", HOUR_MS), ("1d", DAY_MS), ("7d", 7 * DAY_MS)])
def test_a_window_holds_its_first_moment_and_nothing_before(window: str, length_ms: int) -> None:
    values = seen(an_order(), earlier(length_ms), earlier(length_ms + 1))
    assert values[f"card_count_{window}"] == 1
    assert values["card_count_30d"] == 2


def test_nothing_reaches_back_over_thirty_days() -> None:
    values = seen(an_order(), earlier(HISTORY_MS + 1, user_id="U9"))
    assert values["card_count_30d"] == values["card_users_30d"] == 0


def test_of_one_millisecond_the_lower_order_id_comes_first() -> None:
    lower, order, higher = (an_order(order_id=each) for each in ("5", "7", "10"))
    assert seen(order, lower, higher)["card_count_1h"] == 1
    assert seen(lower, order, higher)["card_count_1h"] == 0


def test_later_orders_and_the_order_itself_do_not_count() -> None:
    order = an_order()
    assert seen(order, order, an_order(ordered_at_ms=NOON_MS + 1)) == seen(order)


def test_sums_are_exact_and_means_are_rounded_down() -> None:
    values = seen(an_order(amount_minor=1_000), earlier(1, amount_minor=200), earlier(2, amount_minor=101))
    assert (values["card_sum_1h"], values["card_mean_1h"], values["card_max_30d"]) == (301, 150, 200)
    assert values["card_amount_to_mean_permille"] == 1_000 * 1_000 // 150


def test_a_card_that_others_used_is_told() -> None:
    values = seen(an_order(user_id="U1"), earlier(1, user_id="U2"), earlier(2, user_id=None))
    assert (values["card_users_30d"], values["card_used_by_others"]) == (1, 1)


def test_a_known_user_with_a_new_card_at_a_new_store_is_told() -> None:
    values = seen(an_order(card_token="card-2", store_id=2), earlier(90_000))
    assert (values["user_new_card"], values["user_new_store"], values["user_seconds_since_last"]) == (1, 1, 90)
    assert (values["user_cards_30d"], values["user_stores_30d"], values["card_count_30d"]) == (1, 1, 0)


def test_guests_share_no_history() -> None:
    values = seen(an_order(user_id=None, card_token="card-2", store_id=2), earlier(1, user_id=None))
    assert values["user_count_30d"] == 0


def test_a_stores_risk_is_the_share_of_frauds_among_its_ripe_orders() -> None:
    ripe = [earlier(days * DAY_MS, card_token="card-2", user_id="U2") for days in (8, 10, 28)]
    young, old = earlier(7 * DAY_MS), earlier(28 * DAY_MS + 1)
    labels = labels_by_order([a_label(ripe[0]), a_label(young), a_label(old)])
    values = named_features(an_order(), History([*ripe, young, old], labels))
    assert values["store_orders_7d_to_28d"] == 3
    assert values["store_fraud_share_7d_to_28d_ppm"] == 333_333
    assert values["store_known_frauds_30d"] == 3


def test_a_label_counts_from_the_moment_it_became_known() -> None:
    past = earlier(DAY_MS)
    for known_at, frauds in ((NOON_MS, 1), (NOON_MS + 1, 0)):
        history = History([past], labels_by_order([a_label(past, known_at_ms=known_at)]))
        assert named_features(an_order(), history)["card_known_frauds_30d"] == frauds


def test_the_newest_label_decides_and_of_two_at_once_fraud_wins() -> None:
    past = earlier(DAY_MS)
    cleared = [a_label(past, known_at_ms=NOON_MS - 2), a_label(past, is_fraud=False, known_at_ms=NOON_MS - 1)]
    both = [a_label(past), a_label(past, is_fraud=False)]
    for labels, frauds in ((cleared, 0), (both, 1), (both[::-1], 1)):
        values = named_features(an_order(), History([past], labels_by_order(labels)))
        assert values["card_known_frauds_30d"] == frauds


@pytest.mark.parametrize(
    ("moment", "night", "weekend"),
    [
        ("2017-03-01T12:00:00", 0, 0),
        ("2017-03-04T05:59:59", 1, 1),
        ("2017-03-05T06:00:00", 0, 1),
        ("2017-03-06T00:00:00", 1, 0),
    ],
)
def test_nights_and_weekends_are_those_of_utc(moment: str, night: int, weekend: int) -> None:
    values = seen(an_order(ordered_at_ms=epoch_ms(datetime.fromisoformat(f"{moment}+00:00"))))
    assert (values["is_night"], values["is_weekend"]) == (night, weekend)


def test_features_are_integers_in_their_stated_order() -> None:
    order, past = an_order(), earlier(1)
    values = features(order, History([past]))
    assert all(type(value) is int for value in values)
    assert dict(zip(FEATURE_NAMES, values, strict=True)) == seen(order, past)


@given(st.data())
def test_the_order_of_a_history_and_strangers_in_it_change_nothing(data: st.DataObject) -> None:
    orders = data.draw(order_lists())
    labels = data.draw(label_lists(orders))
    shuffled, relabelled = data.draw(st.permutations(orders)), data.draw(st.permutations(labels))
    stranger = an_order(order_id="stranger", user_id="U99", store_id=99, card_token="card-99", ordered_at_ms=0)
    assert features(orders[0], History(orders, labels_by_order(labels))) == features(
        orders[0], History([*shuffled, stranger], labels_by_order(relabelled))
    )
