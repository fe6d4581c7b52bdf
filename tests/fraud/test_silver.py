"""Orders and labels as fraud reads them from a release."""

from fraud.orders import Label
from fraud.silver import read_labels, read_orders, web_orders
from fraud_builders import NOON_MS, a_lake, an_order, earlier, lines_table, order_lines
from shopsphere_kit import lake
from shopsphere_kit.settings import LakeSettings


def test_lines_add_up_to_orders_in_the_order_of_time() -> None:
    later, sooner = an_order(line_count=3), earlier(1, user_id=None, amount_minor=1)
    lines = order_lines(later)[::-1] + order_lines(sooner)
    assert web_orders(lines_table(lines)) == [sooner, later]


def test_only_what_was_bought_on_the_web_counts() -> None:
    web, cancelled = an_order(order_id="1"), an_order(order_id="2")
    lines = [
        *order_lines(web),
        *order_lines(cancelled, status="cancelled"),
        *order_lines(an_order(), status="returned"),
        *order_lines(an_order(), channel="till"),
        *order_lines(an_order(), channel="marketplace"),
    ]
    assert web_orders(lines_table(lines)) == [web, cancelled]


def test_a_release_is_read_as_it_was_pinned(lake_settings: LakeSettings) -> None:
    order = an_order()
    labels = [Label(order.order_id, True, NOON_MS + 1), Label(order.order_id, False, NOON_MS)]
    catalog = a_lake(lake_settings, order_lines(order), labels)
    pinned = lake.latest_release(catalog)
    assert pinned is not None
    catalog.load_table("silver.orders_unified").append(lines_table(order_lines(an_order())))
    assert read_orders(catalog, pinned) == [order]
    assert read_labels(catalog, pinned) == labels[::-1]
