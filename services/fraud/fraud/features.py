"""What the model sees of an order: one definition, for training, for serving and for proving that they agree.

Every feature is an integer, computed with integer arithmetic from integer inputs, so that no order of summation and no
machine changes a bit. The rules that all of them follow:

- The past of an order is what stands strictly before it by (ordered_at, length of order_id, order_id).
- A window of length w holds the past orders with ordered_at >= order.ordered_at - w. None reaches back over 30 days.
- A mean is the sum divided by the count, rounded towards minus infinity; 0 when there is nothing to average.
- A ratio is in thousandths (`_permille`) or millionths (`_ppm`), rounded the same way; 0 when its base is 0.
- A label counts from the moment it became known (known_at <= ordered_at of the order at hand), never earlier.
- Night is 00:00 to 05:59 and the weekend Saturday and Sunday, both in UTC.
"""

import hashlib
from collections.abc import Sequence

from fraud.orders import History, Labels, Order, is_known_fraud

SECOND_MS = 1_000
HOUR_MS = 3_600 * SECOND_MS
DAY_MS = 24 * HOUR_MS
# The longest window of any feature: what a store must be able to read back.
HISTORY_MS = 30 * DAY_MS
# A compromised store stays so for 28 days in the Fraud Detection Handbook; chargebacks need about 7 to arrive.
RISK_WINDOW_MS = 28 * DAY_MS
RISK_DELAY_MS = 7 * DAY_MS
NIGHT_HOURS = 6
# 1970-01-01 was a Thursday: three days after a Monday.
EPOCH_WEEKDAY = 3
SATURDAY = 5

# To be raised with every change of a rule above; a model refuses features of another definition than its own.
DEFINITION_VERSION = 1

WINDOWS: dict[str, int] = {"1h": HOUR_MS, "1d": DAY_MS, "7d": 7 * DAY_MS, "30d": HISTORY_MS}

Features = tuple[int, ...]


def _ratio(part: int, whole: int, scale: int) -> int:
    """Return part/whole in units of 1/scale, rounded towards minus infinity; 0 without a base."""
    return part * scale // whole if whole else 0


def _past(order: Order, history: History) -> list[Order]:
    """Select the past of the order within the longest window."""
    start = order.ordered_at_ms - HISTORY_MS
    here = order.position
    return [
        past
        for past in history.orders
        if past.ordered_at_ms >= start and past.position < here and past.order_id != order.order_id
    ]


def _basket(order: Order) -> dict[str, int]:
    """Describe the order alone."""
    weekday = (order.ordered_at_ms // DAY_MS + EPOCH_WEEKDAY) % 7
    return {
        "amount_minor": order.amount_minor,
        "units": order.units,
        "line_count": order.line_count,
        "is_night": int(order.ordered_at_ms % DAY_MS < NIGHT_HOURS * HOUR_MS),
        "is_weekend": int(weekday >= SATURDAY),
        "has_user": int(order.user_id is not None),
    }


def _velocity(entity: str, order: Order, past: Sequence[Order]) -> dict[str, int]:
    """Count, sum and average the amounts of one entity's past in every window."""
    values: dict[str, int] = {}
    for window, length_ms in WINDOWS.items():
        start = order.ordered_at_ms - length_ms
        amounts = [each.amount_minor for each in past if each.ordered_at_ms >= start]
        values[f"{entity}_count_{window}"] = len(amounts)
        values[f"{entity}_sum_{window}"] = sum(amounts)
        values[f"{entity}_mean_{window}"] = _ratio(sum(amounts), len(amounts), 1)
    values[f"{entity}_amount_to_mean_permille"] = _ratio(order.amount_minor, values[f"{entity}_mean_30d"], 1_000)
    return values


def _recency(entity: str, order: Order, past: Sequence[Order]) -> dict[str, int]:
    """Measure the seconds since the entity's last order, 30 days when there was none, and its largest amount."""
    newest = max((each.ordered_at_ms for each in past), default=order.ordered_at_ms - HISTORY_MS)
    return {
        f"{entity}_seconds_since_last": (order.ordered_at_ms - newest) // SECOND_MS,
        f"{entity}_max_30d": max((each.amount_minor for each in past), default=0),
    }


def _frauds(entity: str, order: Order, past: Sequence[Order], labels: Labels) -> dict[str, int]:
    """Count the entity's past orders that are known to be fraud at the time of the order."""
    frauds = sum(is_known_fraud(each.order_id, labels, order.ordered_at_ms) for each in past)
    return {f"{entity}_known_frauds_30d": frauds}


def _card(order: Order, past: Sequence[Order], labels: Labels) -> dict[str, int]:
    """Describe the past of the card."""
    users = {each.user_id for each in past if each.user_id is not None}
    return {
        **_velocity("card", order, past),
        **_recency("card", order, past),
        **_frauds("card", order, past, labels),
        "card_stores_30d": len({each.store_id for each in past}),
        "card_users_30d": len(users),
        "card_used_by_others": int(bool(users - {order.user_id})),
    }


def _user(order: Order, past: Sequence[Order], labels: Labels) -> dict[str, int]:
    """Describe the past of the user; all of it is empty for a guest."""
    cards = {each.card_token for each in past}
    stores = {each.store_id for each in past}
    return {
        **_velocity("user", order, past),
        **_recency("user", order, past),
        **_frauds("user", order, past, labels),
        "user_stores_30d": len(stores),
        "user_cards_30d": len(cards),
        "user_new_card": int(bool(cards) and order.card_token not in cards),
        "user_new_store": int(bool(stores) and order.store_id not in stores),
    }


def _store(order: Order, past: Sequence[Order], labels: Labels) -> dict[str, int]:
    """Describe the past of the store; its risk looks at orders 7 to 28 days old, whose labels have had time to come."""
    oldest, newest = order.ordered_at_ms - RISK_WINDOW_MS, order.ordered_at_ms - RISK_DELAY_MS
    ripe = [each for each in past if oldest <= each.ordered_at_ms < newest]
    ripe_frauds = sum(is_known_fraud(each.order_id, labels, order.ordered_at_ms) for each in ripe)
    return {
        **_velocity("store", order, past),
        **_frauds("store", order, past, labels),
        "store_orders_7d_to_28d": len(ripe),
        "store_fraud_share_7d_to_28d_ppm": _ratio(ripe_frauds, len(ripe), 1_000_000),
    }


def named_features(order: Order, history: History) -> dict[str, int]:
    """Compute every feature of the order by name, from its history."""
    past = _past(order, history)
    cards = [each for each in past if each.card_token == order.card_token]
    users = [each for each in past if order.user_id is not None and each.user_id == order.user_id]
    stores = [each for each in past if each.store_id == order.store_id]
    return {
        **_basket(order),
        **_card(order, cards, history.labels),
        **_user(order, users, history.labels),
        **_store(order, stores, history.labels),
    }


FEATURE_NAMES: tuple[str, ...] = tuple(named_features(Order("0", None, 0, "0", 0, 0, 0, 0), History()))

DEFINITION = f"{DEFINITION_VERSION}-{hashlib.sha256(','.join(FEATURE_NAMES).encode()).hexdigest()[:8]}"


def features(order: Order, history: History) -> Features:
    """Compute the features of the order, in the order of FEATURE_NAMES."""
    return tuple(named_features(order, history).values())
