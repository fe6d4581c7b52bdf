"""The links of returns as a table: what is a return, what is a sale, and whose."""

from decimal import Decimal

import pytest
from bronze_builders import Row, at, frame
from pyspark.sql import SparkSession
from transform.tables import orders_unified
from transform.tables.return_links import return_links

pytestmark = pytest.mark.servers


def a_line(order: str, day: float, quantity: int = 1, **given: object) -> Row:
    """A line of customer 1; with negative units it is a return."""
    row = {
        "order_id": order,
        "line_number": 1,
        "channel": "web",
        "source": "shop",
        "source_user_id": "1",
        "sku": "P1",
        "quantity": quantity,
        "unit_price": Decimal("5.000000"),
        "discount_amount": Decimal("0.00"),
        "total_amount": Decimal("5.00") * quantity,
        "currency": "USD",
        "status": "completed" if quantity > 0 else "returned",
        "ordered_at": at(day),
    }
    return {**row, **given}


def test_each_return_stands_once_beside_its_sale(spark: SparkSession) -> None:
    orders = [
        a_line("1", 1, 3),
        a_line("2", 2, status="cancelled"),  # never happened
        a_line("3", 3, status="adjusted"),  # is no sale
        a_line("4", 4, status="returned"),  # was undone, and is no return either
        a_line("5", 5, source_user_id="2"),  # another's
        a_line("6", 5, sku="P2"),  # another thing
        a_line("7", 5, source="marketplace"),  # another 1
        a_line("R1", 6, -2),
        a_line("R2", 7, -2),  # one is left
        a_line("R3", 8, -1, sku="P2", returns_order_id="6"),
        a_line("R4", 9, -1, sku="P3", returns_order_id="6"),  # the order is named, and has no such thing
        a_line("8", 1, source_user_id=None),
        a_line("R5", 9, -1, source_user_id=None),  # nobody in particular
        a_line("R6", 9, -1, source_user_id=None, returns_order_id="8"),
        a_line("R7", 9, -1, sku=None),
    ]
    found = return_links(frame(spark, orders_unified.SCHEMA, orders)).orderBy("order_id").toArrow().to_pylist()
    assert [(row["order_id"], row["evidence"], row["sold_order_id"], row["sold_line_number"]) for row in found] == [
        ("R1", "matched", "1", 1),
        ("R2", "unlinked", None, None),
        ("R3", "named", "6", 1),
        ("R4", "named", "6", None),
        ("R5", "unlinked", None, None),
        ("R6", "named", "8", 1),
        ("R7", "unlinked", None, None),
    ]
    assert (found[0]["units"], found[0]["sold_at"], found[0]["returned_at"]) == (2, at(1), at(6))


def test_a_shop_without_returns_has_no_links(spark: SparkSession) -> None:
    assert return_links(frame(spark, orders_unified.SCHEMA, [a_line("1", 1)])).count() == 0
