"""Builders for tests of the replay: a world under the default seed, and small orders and baskets made by hand."""

from datetime import timedelta
from functools import cache

from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.dataset import Basket, Dataset, Line, day_start
from shopsphere_local.journey.days import Day
from shopsphere_local.journey.journey import DEFAULT_SEED, Journey
from shopsphere_local.journey.orders import Order, OrderLine
from shopsphere_local.journey.people import People

CHANCE = Chance(DEFAULT_SEED)
FIRST_DAYS = 8


@cache
def people() -> People:
    """Everyone of the year, made once for all tests."""
    return People(CHANCE, Dataset())


@cache
def first_days() -> tuple[Day, ...]:
    """The first eight days, made once for all tests."""
    return tuple(Journey(FIRST_DAYS).days())


@cache
def first_orders() -> tuple[Order, ...]:
    """The first eight days' orders with their truth, made once for all tests."""
    return tuple(Journey(FIRST_DAYS).orders())


def basket(*, household_id: int = 1, store_id: int = 1, day: int = 0, cents: int = 100, basket_id: int = 7) -> Basket:
    """A basket with one line, bought at noon."""
    bought_at = day_start(day) + timedelta(hours=12)
    return Basket(basket_id, household_id, store_id, day, bought_at, (Line(1, 1, cents, 0),))


def order(*, quantity: int = 1, sku: str = "P1", day: int = 0, order_id: int = 7, store_id: int = 1) -> Order:
    """A till order of one line, placed at noon."""
    return Order(
        order_id=order_id,
        channel=Channel.TILL,
        household_id=1,
        user_id=1,
        store_id=store_id,
        card_token="tok",
        lines=(OrderLine(1, sku, quantity, 100, 0),),
        ordered_at=day_start(day) + timedelta(hours=12),
    )
