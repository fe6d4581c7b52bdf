"""The star and the customer mart, from rows of silver."""

from datetime import datetime
from decimal import Decimal

import pytest
from bronze_builders import Row, a_product, a_store, at, frame
from pyspark.sql import DataFrame, SparkSession
from transform import bronze
from transform.tables import (
    customer_360,
    customer_orders,
    dim_date,
    dim_products,
    dim_stores,
    dim_users,
    fact_order,
    orders_unified,
    users_scd,
)

pytestmark = pytest.mark.servers


def a_version(user: str = "1", **given: object) -> Row:
    row = {"source": "shop", "source_user_id": user, "customer_id": "C1", "valid_from": at(0), "end_date": None}
    return {**row, "is_current": True, "is_deleted": False, **given}


def a_sold_line(order_id: str = "1", **given: object) -> Row:
    row = {
        "order_id": order_id,
        "line_number": 1,
        "channel": "web",
        "source": "shop",
        "source_user_id": "1",
        "customer_id": "C1",
        "store_id": 1,
        "sku": "P1",
        "quantity": 1,
        "unit_price": Decimal("5.000000"),
        "discount_amount": Decimal("0.00"),
        "total_amount": Decimal("5.00"),
        "currency": "USD",
        "status": "completed",
        "ordered_at": at(5),
    }
    return {**row, **given}


def users(spark: SparkSession, *rows: Row) -> DataFrame:
    return frame(spark, users_scd.SCHEMA, rows)


def lines(spark: SparkSession, *rows: Row) -> DataFrame:
    return frame(spark, orders_unified.SCHEMA, rows)


def products(spark: SparkSession, *rows: Row) -> DataFrame:
    return dim_products.dim_products(frame(spark, bronze.PRODUCTS, rows))


def facts(spark: SparkSession, versions: list[Row], sold: list[Row]) -> list[Row]:
    line = lines(spark, *sold)
    stores = dim_stores.dim_stores(frame(spark, bronze.STORES, [a_store(1)]))
    known = dim_users.dim_users(users(spark, *versions))
    made = fact_order.fact_order(line, known, products(spark, a_product(1)), stores, dim_date.dim_date(line))
    keys = {row["user_key"]: row["city"] for row in known.collect()}
    return [{**row.asDict(), "city": keys[row["user_key"]]} for row in made.orderBy("order_id").collect()]


def test_a_fact_points_at_the_version_of_the_user_that_was_valid_then(spark: SparkSession) -> None:
    versions = [
        a_version(city="Troy", valid_from=at(1), end_date=at(5), is_current=False),
        a_version(city="Rome", valid_from=at(5)),
    ]
    moments = {"1": at(0.5), "2": at(1), "3": at(4.9), "4": at(5), "5": at(9)}
    found = facts(spark, versions, [a_sold_line(number, ordered_at=when) for number, when in moments.items()])
    assert [row["city"] for row in found] == [None, "Troy", "Troy", "Rome", "Rome"]
    assert found[0]["user_key"] == 0  # before anything was known of the user


def test_what_no_dimension_knows_gets_the_unknown_member_and_is_not_dropped(spark: SparkSession) -> None:
    [row] = facts(spark, [], [a_sold_line(source_user_id=None, customer_id=None, sku=None, store_id=99)])
    assert (row["user_key"], row["product_key"], row["store_key"], row["date_key"]) == (0, 0, 0, 20260106)
    assert row["total_amount"] == Decimal("5.00")


def test_the_unknown_user_has_no_facts_of_a_user_of_that_name(spark: SparkSession) -> None:
    [row] = facts(spark, [a_version("unknown")], [a_sold_line(source="unknown", source_user_id="unknown")])
    assert row["user_key"] == 0


@pytest.mark.parametrize("key", ["product_key", "store_key", "user_key", "date_key"])
def test_every_dimension_has_an_unknown_member_even_when_it_is_empty(spark: SparkSession, key: str) -> None:
    dimensions = {
        "product_key": lambda: products(spark),
        "store_key": lambda: dim_stores.dim_stores(frame(spark, bronze.STORES)),
        "user_key": lambda: dim_users.dim_users(users(spark)),
        "date_key": lambda: dim_date.dim_date(lines(spark)),
    }
    assert [row[key] for row in dimensions[key]().collect()] == [0]


def test_a_product_is_as_it_was_last_described_and_stays_when_deleted(spark: SparkSession) -> None:
    changes = [a_product(1, brand="old"), a_product(1, brand="new", _op="u"), a_product(2), a_product(2, _op="d")]
    found = {row["sku"]: row["brand"] for row in products(spark, *changes, changes[0]).collect()}
    assert found == {"P1": "new", "P2": None, "unknown": None}


def test_the_calendar_covers_the_years_of_the_orders(spark: SparkSession) -> None:
    calendar = dim_date.dim_date(lines(spark, a_sold_line(ordered_at=at(-1)), a_sold_line(ordered_at=at(1))))
    assert calendar.count() == 365 + 365 + 1
    [day] = calendar.where("date_key = 20260103").collect()
    assert (day["week"], day["day_of_week"], day["day_name"], day["is_weekend"]) == (1, 6, "Saturday", True)


def profiles(spark: SparkSession, versions: list[Row], sold: list[Row]) -> dict[str, Row]:
    known = products(spark, a_product(1, department="GROCERY"), a_product(2, department="MEAT"))
    bought = customer_orders.customer_orders(lines(spark, *sold), known)
    made = customer_360.customer_360(users(spark, *versions), bought)
    return {row["customer_id"]: row.asDict() for row in made.collect()}


def test_a_customer_is_described_by_the_shop_before_the_marketplace_and_known_by_all_addresses(
    spark: SparkSession,
) -> None:
    versions = [
        a_version(first_name="Ann", email="old@x.example", end_date=at(3), is_current=False),
        a_version(first_name="Anna", email="New@x.example", phone="212 555 0001", valid_from=at(3)),
        a_version(
            "B-1", source="marketplace", first_name="ANN", email="m@x.example", phone="1-212-555-0001", valid_from=at(9)
        ),
    ]
    found = profiles(spark, versions, [])["C1"]
    assert (found["first_name"], found["email"], found["is_deleted"]) == ("Anna", "New@x.example", False)
    assert found["emails"] == ["m@x.example", "new@x.example", "old@x.example"]
    assert found["phones"] == ["+12125550001"]
    assert [tuple(user) for user in found["source_users"]] == [("marketplace", "B-1"), ("shop", "1")]


def test_a_customer_is_deleted_when_every_source_user_is(spark: SparkSession) -> None:
    gone = {"end_date": at(3), "is_current": False, "is_deleted": True}
    versions = [
        a_version("1", customer_id="C1", **gone),
        a_version("2", customer_id="C2", first_name="Gone", **gone),
        a_version("B-2", source="marketplace", customer_id="C2", first_name="Here"),
    ]
    found = profiles(spark, versions, [])
    assert (found["C1"]["is_deleted"], found["C2"]["is_deleted"], found["C2"]["first_name"]) == (True, False, "Here")


def test_returns_lower_the_amount_and_cancelled_orders_count_nowhere(spark: SparkSession) -> None:
    sold = [
        a_sold_line("1", ordered_at=at(1)),
        a_sold_line("2", channel="till", quantity=2, total_amount=Decimal("7.50"), ordered_at=at(3)),
        a_sold_line("2", line_number=2, channel="till", total_amount=Decimal("1.00"), ordered_at=at(3)),
        a_sold_line("3", status="returned", quantity=-1, total_amount=Decimal("-5.00"), ordered_at=at(6)),
        a_sold_line("4", channel="marketplace", status="cancelled", ordered_at=at(8)),
        a_sold_line("5", customer_id="C2", ordered_at=at(13)),  # another's: the newest order of the release
    ]
    found = profiles(spark, [a_version(), a_version("2", customer_id="C2")], sold)["C1"]
    assert (found["order_count"], found["line_count"], found["units"]) == (2, 3, 4)
    assert (found["total_amount"], found["returned_amount"]) == (Decimal("8.50"), Decimal("5.00"))
    assert (found["web_amount"], found["till_amount"], found["marketplace_amount"]) == (0, Decimal("8.50"), 0)
    assert str(found["last_order_at"])[:10] == "2026-01-04"  # what was given back or cancelled is no purchase


def test_amounts_are_in_one_currency_and_what_is_no_sale_is_in_none(spark: SparkSession) -> None:
    sold = [
        a_sold_line("1", currency="EUR"),
        a_sold_line("2", currency="EUR", total_amount=Decimal("2.00")),
        a_sold_line("3", currency="USD", total_amount=Decimal("70.00")),  # counted, and never added to euros
        a_sold_line("4", currency="USD", status="returned", quantity=-1, total_amount=Decimal("-70.00")),
        a_sold_line("5", currency="EUR", status="returned"),  # its own status says so: the sale was undone
        a_sold_line("6", currency="EUR", status="adjusted", total_amount=Decimal("-900.00")),
    ]
    found = profiles(spark, [a_version()], sold)["C1"]
    assert (found["currency"], found["other_currency_lines"], found["order_count"]) == ("EUR", 2, 3)
    assert (found["total_amount"], found["web_amount"], found["returned_amount"]) == (7, 7, 0)


def test_the_favourite_has_the_most_orders_and_a_tie_goes_to_the_larger_amount(spark: SparkSession) -> None:
    sold = [
        a_sold_line("1", store_id=9, sku="P1"),
        a_sold_line("2", store_id=9, sku="P2", total_amount=Decimal("6.00")),
        a_sold_line("3", store_id=2, sku=None, total_amount=Decimal("99.00")),
    ]
    found = profiles(spark, [a_version()], sold)["C1"]
    assert (found["favourite_store_id"], found["favourite_department"]) == (9, "MEAT")


def test_a_customer_who_never_bought_has_zeros_and_no_dates(spark: SparkSession) -> None:
    found = profiles(spark, [a_version()], [])["C1"]
    assert (found["order_count"], found["total_amount"], found["last_order_at"]) == (0, Decimal("0.00"), None)
    assert (found["emails"], found["first_order_at"], found["currency"]) == ([], None, None)


def test_keys_are_the_same_after_a_rebuild(spark: SparkSession) -> None:
    def keys() -> list[tuple[str, datetime | None, int]]:
        rows = dim_users.dim_users(users(spark, a_version("1"), a_version("2"))).collect()
        return sorted((row["source_user_id"], row["user_key"]) for row in rows)  # type: ignore[misc]

    assert keys() == keys()
