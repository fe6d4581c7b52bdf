"""What visitors of the web shop did before they ordered, and some who never did."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from shopsphere_kit.events import BehaviourType

from shopsphere_local.journey import rates
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.orders import Order

# A session starts 5 to 25 minutes before its order; its steps are spread evenly up to it.
_SHORTEST_SECONDS: Final = 300
_SPREAD_SECONDS: Final = 1_200
_ABANDONED_EARLIER: Final = timedelta(minutes=40)


class Step(NamedTuple):
    """One thing a visitor did."""

    type: BehaviourType
    sku: str | None = None
    quantity: int | None = None
    order_id: int | None = None


class Behaviour(NamedTuple):
    """A step in its session; nth counts the session's steps."""

    step: Step
    occurred_at: datetime
    session_id: str
    user_id: int | None
    nth: int


def sessions_of(chance: Chance, orders: list[Order]) -> Iterator[Behaviour]:
    """The session that led to each web order, and for 30 % of them another visitor's session that led nowhere."""
    for order in orders:
        if order.channel is Channel.WEB and not order.is_return:
            steps = list(_steps_to(chance, order))
            yield from _session(chance, order, "bought", steps, order.ordered_at, order.user_id)
            if chance.happens(rates.ABANDONED_SESSIONS, "abandoned", order.order_id):
                views = list(_views(chance, order, "abandoned"))
                yield from _session(chance, order, "abandoned", views, order.ordered_at - _ABANDONED_EARLIER, None)


def _session(
    chance: Chance, order: Order, kind: str, steps: list[Step], end: datetime, user_id: int | None
) -> Iterator[Behaviour]:
    """Spread the steps over the minutes before the session's end, in whole seconds."""
    session_id = f"s{chance.number('session', kind, order.order_id):016x}"
    seconds = _SHORTEST_SECONDS + chance.pick(_SPREAD_SECONDS, "session length", kind, order.order_id)
    for nth, step in enumerate(steps):
        left = seconds * (len(steps) - nth) // len(steps)
        yield Behaviour(step, end - timedelta(seconds=left), session_id, user_id, nth)


def _steps_to(chance: Chance, order: Order) -> Iterator[Step]:
    """Log in, look at a few things, put some into the cart, check out; a visitor without an account does not log in."""
    if order.user_id is not None:
        if chance.happens(rates.LOGIN_FAILED, "login failed", order.order_id):
            yield Step("login_failed")
        yield Step("login")
    yield from _views(chance, order, "bought")
    for line in order.lines[: 1 + chance.pick(rates.CARTS_MOST, "carts", order.order_id)]:
        yield Step("cart_changed", line.sku, line.quantity)
    yield Step("checkout_started", order_id=order.order_id)


def _views(chance: Chance, order: Order, kind: str) -> Iterator[Step]:
    """Pages of one to four of the order's products; some point at products that do not exist."""
    for line in order.lines[: 1 + chance.pick(rates.VIEWS_MOST, "views", kind, order.order_id)]:
        unknown = chance.happens(rates.UNKNOWN_SKU_EVENTS, "unknown", kind, order.order_id, line.number)
        yield Step("page_viewed", f"UNKNOWN-{line.sku}" if unknown else line.sku)
