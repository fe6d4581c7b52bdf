"""How a shelf is supplied, on orders made by hand."""

from journey_builders import CHANCE, order
from shopsphere_local.journey.dataset import day_start
from shopsphere_local.journey.orders import Order
from shopsphere_local.journey.stock import PlannedDay, StockPlan


def period(*orders: Order, first: int = 0) -> list[PlannedDay]:
    days = range(first, first + 3)
    return [PlannedDay(n, [o for o in orders if o.ordered_at.date() == day_start(n).date()], []) for n in days]


def test_a_shelf_opens_at_midnight_of_its_first_sale_with_enough_for_the_period() -> None:
    moved = StockPlan(CHANCE).period(period(order(quantity=3, day=1), order(quantity=4, day=2, order_id=8)))
    opening = moved[1][0]
    assert (opening.type, opening.occurred_at) == ("count", day_start(1))
    assert opening.quantity >= 7
    assert moved[0] == []


def test_a_receipt_of_whole_cases_covers_what_is_missing_later() -> None:
    plan = StockPlan(CHANCE)
    opening = plan.period(period(order(quantity=1)))[0][0]
    moved = plan.period(period(order(quantity=50, day=4, order_id=9), first=3))
    receipt = moved[3][0]
    assert (receipt.type, receipt.occurred_at) == ("receipt", day_start(3))
    assert receipt.quantity % 6 == 0
    assert opening.quantity - 1 + receipt.quantity >= 50


def test_fuel_by_the_ten_thousand_is_a_quantity_like_any_other() -> None:
    moved = StockPlan(CHANCE).period(period(order(quantity=30_080)))
    assert [m.type for m in moved[0]] == ["count", "sale"]
    assert moved[0][1].quantity == -30_080


def test_a_line_without_quantity_still_is_a_sale() -> None:
    moved = StockPlan(CHANCE).period(period(order(quantity=0)))
    assert [(m.type, m.quantity) for m in moved[0]][1] == ("sale", 0)
