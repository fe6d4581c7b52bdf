"""orders_unified, from rows of bronze; and what it rejects."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from bronze_builders import Row, a_document, a_line, an_item, an_order, decimal, frame, long
from bronze_builders import moment as moment_of
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from transform import bronze
from transform.content import content_hash
from transform.contract import REPEATED, rejected
from transform.documents import document_key
from transform.order_sources import marketplace, online_retail
from transform.tables.orders_unified import distinct_lines, order_lines, orders_unified

pytestmark = pytest.mark.servers


def inputs(
    spark: SparkSession, orders: Sequence[Row], items: Sequence[Row], documents: Sequence[Row]
) -> tuple[DataFrame, ...]:
    names = (bronze.ORDERS, bronze.ORDER_ITEMS, bronze.MARKETPLACE_ORDERS, bronze.ONLINE_RETAIL)
    return tuple(frame(spark, name, rows) for name, rows in zip(names, (orders, items, documents, ()), strict=True))


def lines(
    spark: SparkSession, orders: Sequence[Row] = (), items: Sequence[Row] = (), documents: Sequence[Row] = ()
) -> DataFrame:
    return order_lines(*inputs(spark, orders, items, documents))


def unified(spark: SparkSession, judged: DataFrame) -> list[Row]:
    known = spark.createDataFrame([("shop", "1", "C1")], "source string, source_user_id string, customer_id string")
    return [row.asDict() for row in orders_unified(judged, known).orderBy("order_id", "line_number").collect()]


def repeated(judged: DataFrame) -> list[tuple[str, str]]:
    rows = judged.where(judged["_failed.check"] == REPEATED).select("order_id", "_failed.reason")
    return sorted((row["order_id"], row["reason"]) for row in rows.collect())


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


# An item that stands beside `a_line(1)` in its order: the numbers that stay, and whether it is a repetition or a fault.
ITEMS_SENT_TWICE = {
    "MP-same": (a_line(1), [1], True),
    "MP-spelled": (a_line(1, unit_price=decimal("1.5"), quantity={"$numberInt": "1"}), [1], True),
    "MP-units": (a_line(1, quantity=long(2)), [1], False),
    "MP-float": (a_line(1, amount={"$numberDouble": "1.5"}), [1], False),
    "MP-number": (a_line(2), [1, 2], None),
}


def test_an_item_that_was_sent_twice_counts_once(spark: SparkSession) -> None:
    documents = [a_document(name, items=[a_line(1), again]) for name, (again, _, _) in ITEMS_SENT_TWICE.items()]
    judged = lines(spark, documents=documents).cache()
    stay: dict[str, list[int]] = {name: [] for name in ITEMS_SENT_TWICE}
    for row in unified(spark, judged):
        stay[row["order_id"]].append(row["line_number"])
    assert stay == {name: numbers for name, (_, numbers, _) in ITEMS_SENT_TWICE.items()}
    assert repeated(judged) == [(name, marketplace.SENT_TWICE) for name in ("MP-same", "MP-spelled")]
    assert failures(judged) == [("line_unique", "line_number")] * 2


# What the shop has of an order of which the marketplace has a document of one line: the winner's lines.
ORDERS_IN_BOTH = {
    "11": ([an_order(11)], [an_item(11, 1), an_item(11, 2)], ["shop", "shop"]),
    "12": ([], [], ["marketplace"]),
    "13": ([an_order(13)], [], ["marketplace"]),  # no line yet
    "14": ([], [an_item(14)], ["marketplace"]),  # the order is still to come
    "15": ([an_order(15)], [an_item(15), an_item(15, _op="d")], ["marketplace"]),  # taken back
}


def test_an_order_in_both_systems_counts_once_and_the_shop_wins_when_it_has_a_line(spark: SparkSession) -> None:
    orders = [order for orders, _, _ in ORDERS_IN_BOTH.values() for order in orders]
    items = [item for _, items, _ in ORDERS_IN_BOTH.values() for item in items]
    given = inputs(spark, orders, items, [a_document(number) for number in ORDERS_IN_BOTH])
    judged = order_lines(*given).cache()
    winners: dict[str, list[str]] = {number: [] for number in ORDERS_IN_BOTH}
    for row in unified(spark, judged):
        winners[row["order_id"]].append(row["source"])
    assert winners == {number: sources for number, (_, _, sources) in ORDERS_IN_BOTH.items()}
    assert repeated(judged) == [("11", marketplace.SHOP_HAS_IT)]
    assert failures(judged) == [("order_exists", "order_id")]
    assert distinct_lines(*given).collect()[0][0] == judged.count() == 8


def test_a_truncate_of_the_shop_gives_the_order_back_to_the_marketplace(spark: SparkSession) -> None:
    emptied = {"_op": "t", "_position": "9999999999.0000000001/00000000"}
    judged = lines(spark, [an_order(7)], [an_item(7), emptied], [a_document("7")])
    assert [row["source"] for row in unified(spark, judged)] == ["marketplace"]


def test_a_document_may_not_take_the_name_of_an_invoice_of_the_files(spark: SparkSession) -> None:
    assert failures(lines(spark, documents=[a_document("OR-536365")])) == [("order_named", "order_id")]


# What an order says: its currency and status as they stand in the table; None: the line is rejected.
CONFORMED: dict[int, tuple[Row, tuple[str, str] | None]] = {
    1: ({"currency": "EUR"}, ("EUR", "completed")),  # nothing is converted
    2: ({"currency": " usd"}, ("USD", "completed")),
    3: ({"status": "Cancelled "}, ("USD", "cancelled")),
    4: ({"status": "returned"}, ("USD", "returned")),  # a sale that was undone
    5: ({"currency": "$"}, None),
    6: ({"currency": "US DOLLAR"}, None),
    7: ({"currency": None}, None),
}


def test_currency_and_status_are_conformed_and_an_amount_without_a_currency_is_no_amount(spark: SparkSession) -> None:
    orders = [an_order(number, **said) for number, (said, _) in CONFORMED.items()]
    judged = lines(spark, orders, [an_item(number) for number in CONFORMED]).cache()
    found = {int(row["order_id"]): (row["currency"], row["status"]) for row in unified(spark, judged)}
    assert found == {number: values for number, (_, values) in CONFORMED.items() if values}
    assert [column for _, column in failures(judged)] == ["currency"] * 3


def test_gifts_and_coupons_stay_with_their_price(spark: SparkSession) -> None:
    prices = {1: Decimal(0), 2: Decimal("-3.50")}
    items = [an_item(n, unit_price=p, discount_amount=Decimal(0), line_amount=p * 2) for n, p in prices.items()]
    found = unified(spark, lines(spark, [an_order(n) for n in prices], items))
    assert [(row["unit_price"], row["total_amount"]) for row in found] == [(p, p * 2) for p in prices.values()]


def test_the_status_is_that_of_the_last_position_whatever_came_last(spark: SparkSession) -> None:
    placed, shipped, cancelled = (a_document("MP-1", status=status) for status in ("placed", "shipped", "cancelled"))
    found = unified(spark, lines(spark, documents=[cancelled, placed, shipped, placed]))
    assert [row["status"] for row in found] == ["cancelled"]


def test_moments_are_utc_whatever_zone_they_were_written_in(spark: SparkSession) -> None:
    moment = datetime(2026, 7, 1, 9, 30, tzinfo=timezone(timedelta(hours=-4)))
    found = lines(spark, [an_order(1, ordered_at=moment)], [an_item(1)], [a_document(placed_at=moment_of(moment))])
    texts = found.selectExpr("cast(ordered_at as string) as text").distinct().collect()
    assert [row["text"] for row in texts] == ["2026-07-01 13:30:00"]


def test_the_lines_of_an_order_follow_from_its_own_rows_alone(spark: SparkSession) -> None:
    orders = [order for orders, _, _ in ORDERS_IN_BOTH.values() for order in orders]
    items = [item for _, items, _ in ORDERS_IN_BOTH.values() for item in items]
    documents = [a_document(number, items=[a_line(1), a_line(1)]) for number in ("MP-1", *ORDERS_IN_BOTH)]
    rows = [{"InvoiceNo": n, "Quantity": q, "_position": f"a/{n}/{q}"} for n in ("1", "2") for q in ("1", "2", " 1")]
    names = (bronze.ORDERS, bronze.ORDER_ITEMS, bronze.MARKETPLACE_ORDERS, bronze.ONLINE_RETAIL)
    given = [frame(spark, name, some) for name, some in zip(names, (orders, items, documents, rows), strict=True)]
    belongs_to = (F.col("order_id").cast("string"),) * 2 + (document_key(), online_retail.order_key())
    is_first = [scope.isin("11", "13", "MP-1", "OR-1") for scope in belongs_to]
    parts = [
        order_lines(*(rows.where(first if one else ~first) for rows, first in zip(given, is_first, strict=True)))
        for one in (True, False)
    ]
    whole, together = order_lines(*given), parts[0].unionByName(parts[1])
    assert content_hash(whole) == content_hash(together)
    assert whole.count() == 3 + 12 + 6
