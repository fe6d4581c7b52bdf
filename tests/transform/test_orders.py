"""orders_unified, from rows of bronze; and what it rejects."""

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest
from bronze_builders import Row, a_document, a_line, an_item, an_order, decimal, frame
from pyspark.sql import DataFrame, SparkSession
from transform import bronze
from transform.contract import rejected
from transform.tables.orders_unified import distinct_lines, order_lines, orders_unified

pytestmark = pytest.mark.servers


def inputs(
    spark: SparkSession, orders: Sequence[Row], items: Sequence[Row], documents: Sequence[Row]
) -> tuple[DataFrame, ...]:
    names = (bronze.ORDERS, bronze.ORDER_ITEMS, bronze.MARKETPLACE_ORDERS)
    return tuple(frame(spark, name, rows) for name, rows in zip(names, (orders, items, documents), strict=True))


def lines(
    spark: SparkSession, orders: Sequence[Row] = (), items: Sequence[Row] = (), documents: Sequence[Row] = ()
) -> DataFrame:
    return order_lines(*inputs(spark, orders, items, documents))


def unified(spark: SparkSession, judged: DataFrame) -> list[Row]:
    known = spark.createDataFrame([("shop", "1", "C1")], "source string, source_user_id string, customer_id string")
    return [row.asDict() for row in orders_unified(judged, known).orderBy("order_id", "line_number").collect()]


def failures(judged: DataFrame) -> list[tuple[str, str]]:
    return [(row["check"], row["column"]) for row in rejected(judged, "t").orderBy("check", "column").collect()]


def test_a_shop_line_carries_its_order_and_its_customer(spark: SparkSession) -> None:
    [row] = unified(spark, lines(spark, [an_order(7)], [an_item(7, 1)]))
    assert (row["order_id"], row["source"], row["channel"], row["source_user_id"], row["customer_id"]) == (
        "7",
        "shop",
        "web",
        "1",
        "C1",
    )
    assert (row["quantity"], row["unit_price"], row["discount_amount"], row["total_amount"]) == (
        2,
        Decimal("2.000000"),
        Decimal("0.02"),
        Decimal("3.98"),
    )


def test_the_last_version_of_order_and_line_counts_and_deleted_lines_are_gone(spark: SparkSession) -> None:
    orders = [an_order(1, status="completed"), an_order(1, status="cancelled", _op="u")]
    items = [an_item(1, 1, quantity=1), an_item(1, 1, quantity=5, _op="u"), an_item(1, 2), an_item(1, 2, _op="d")]
    found = unified(spark, lines(spark, orders, [*items, items[0]]))  # the first is delivered again, late
    assert [(row["line_number"], row["quantity"], row["status"]) for row in found] == [(1, 5, "cancelled")]


def test_a_marketplace_document_becomes_one_line_per_item_with_exact_amounts(spark: SparkSession) -> None:
    items = [
        a_line(1),
        a_line(2, sku="P2", amount=decimal("0.10"), discount=decimal("0.20"), unit_price=decimal("0.333333")),
    ]
    found = unified(spark, lines(spark, documents=[a_document("MP-5", items=items)]))
    assert [
        (row["order_id"], row["line_number"], row["sku"], row["total_amount"], row["unit_price"]) for row in found
    ] == [
        ("MP-5", 1, "P1", Decimal("1.50"), Decimal("1.500000")),
        ("MP-5", 2, "P2", Decimal("0.10"), Decimal("0.333333")),
    ]
    assert {(row["source_user_id"], row["card_token"], row["status"], row["customer_id"]) for row in found} == {
        ("B-1", "card-9", "placed", None)
    }


def test_returns_cancellations_and_unknown_customers_stores_and_products_are_kept(spark: SparkSession) -> None:
    orders = [
        an_order(1, user_id=None),  # nobody knows who
        an_order(2, store_id=None),  # nor where
        an_order(900000000000, status="returned", returns_order_id=2),
    ]
    items = [an_item(1), an_item(2, sku=None), an_item(900000000000, quantity=-2, line_amount=Decimal("-3.98"))]
    judged = lines(spark, orders, items)
    found = unified(spark, judged)
    assert [(row["order_id"], row["returns_order_id"], row["quantity"]) for row in found] == [
        ("1", None, 2),
        ("2", None, 2),
        ("900000000000", "2", -2),
    ]
    assert failures(judged) == []


def test_what_cannot_be_read_is_rejected_with_its_reason_and_its_source(spark: SparkSession) -> None:
    documents = [
        a_document("MP-1", items="not an array"),
        a_document("MP-2", items=[]),
        a_document("MP-3", change={"document": "{broken"}),
        a_document("MP-4", items=[a_line(1), a_line(1, sku="P2")]),  # the same line number twice
        a_document("MP-5", items=[a_line(1, amount={"$numberDouble": "1.5"})]),  # a float is no amount
        a_document("MP-6", status="lost"),
        a_document("MP-7", items=[a_line(1, unit_price=decimal("0.1234567"))]),  # would have to be rounded
    ]
    judged = lines(spark, [], [an_item(404, 1)], documents)  # and a line whose order is not there
    assert failures(judged) == [
        ("document_readable", "document"),
        ("items_are_array", "items"),
        ("items_present", "items"),
        ("known_status", "status"),
        ("line_unique", "line_number"),
        ("order_exists", "order_id"),
        ("present", "total_amount"),
        ("present", "unit_price"),
    ]
    rows = {row["check"]: row["row"] for row in rejected(judged, "t").collect()}
    assert json.loads(rows["items_are_array"])["_id"] == "MP-1"
    assert rows["document_readable"] == "{broken"
    assert json.loads(rows["order_exists"])["order_id"] == "404"


def test_clean_and_rejected_lines_are_all_lines(spark: SparkSession) -> None:
    documents = [
        a_document("MP-1", items="x"),
        a_document("MP-2", items=[]),
        a_document("MP-3", items=[a_line(1), a_line(1), a_line(2)]),
        a_document("MP-4"),
        a_document("MP-4", change={"_op": "d", "document": None}),
        a_document("MP-5", change={"document": "{broken"}),
    ]
    given = inputs(spark, [an_order(1)], [an_item(1, 1), an_item(1, 1), an_item(2, 1)], documents)
    judged = order_lines(*given)
    assert judged.count() == distinct_lines(*given).collect()[0][0] == 8


def test_a_marketplace_that_was_copied_anew_has_only_the_orders_of_the_last_copy(spark: SparkSession) -> None:
    gone, kept = a_document("MP-1"), a_document("MP-2")
    place = "9999999999.0000000001"
    again = {**kept, "_op": "r", "_position": f"{place}/00000001"}
    truncate = {"_op": "t", "_position": f"{place}/00000000"}
    found = unified(spark, lines(spark, documents=[gone, kept, again, truncate]))
    assert [row["order_id"] for row in found] == ["MP-2"]
