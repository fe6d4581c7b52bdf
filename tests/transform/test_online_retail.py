"""Files of UCI Online Retail as order lines: each rule, and the account of every row."""

from collections import Counter
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
import retail_builders as retail
from bronze_builders import Row, a_retail_row, frame
from pyspark.sql import DataFrame, SparkSession
from shopsphere_kit.settings import LakeSettings
from transform import bronze
from transform.contract import REPEATED, rejected
from transform.order_sources import online_retail
from transform.storage import Lake
from transform.tables.orders_unified import distinct_lines, order_lines

pytestmark = pytest.mark.servers


def judged(spark: SparkSession, files: DataFrame) -> DataFrame:
    return order_lines(*inputs(spark, files))


def inputs(spark: SparkSession, files: DataFrame) -> tuple[DataFrame, DataFrame, DataFrame, DataFrame]:
    """The files, and nothing from the shop and the marketplace."""
    orders, items = frame(spark, bronze.ORDERS), frame(spark, bronze.ORDER_ITEMS)
    return orders, items, frame(spark, bronze.MARKETPLACE_ORDERS), files


def rows_of(spark: SparkSession, rows: list[Row]) -> DataFrame:
    return judged(spark, frame(spark, bronze.ONLINE_RETAIL, rows))


# What one row says, and (status, units, amount, customer, UTC) of its line.
SAID: dict[str, tuple[Row, tuple[str, int, str, str | None, str]]] = {
    "536365": ({}, ("completed", 6, "20.34", "17850", "2010-12-01 08:26:00")),
    "536366": ({"CustomerID": ""}, ("completed", 6, "20.34", None, "2010-12-01 08:26:00")),
    "536367": ({"UnitPrice": "0.0"}, ("completed", 6, "0.00", "17850", "2010-12-01 08:26:00")),  # a gift
    "536368": ({"UnitPrice": "0.001", "Quantity": "5"}, ("completed", 5, "0.01", "17850", "2010-12-01 08:26:00")),
    "536369": ({"Quantity": "-9", "UnitPrice": "0"}, ("adjusted", -9, "0.00", "17850", "2010-12-01 08:26:00")),
    "C536370": ({"Quantity": "-6"}, ("returned", -6, "-20.34", "17850", "2010-12-01 08:26:00")),
    "A563186": (
        {"Quantity": "1", "UnitPrice": "-11062.06", "CustomerID": ""},
        ("adjusted", 1, "-11062.06", None, "2010-12-01 08:26:00"),
    ),
    "536371": (  # British summer time
        {"InvoiceDate": "2011-07-01 09:30:00"},
        ("completed", 6, "20.34", "17850", "2011-07-01 08:30:00"),
    ),
}


def test_each_kind_of_row_is_a_line_of_its_kind(spark: SparkSession) -> None:
    found = rows_of(spark, [a_retail_row(n, invoice, **said) for n, (invoice, (said, _)) in enumerate(SAID.items())])
    columns = "order_id", "status", "quantity", "total_amount", "source_user_id", "cast(ordered_at as string)"
    lines = {row[0]: tuple(row)[1:] for row in found.where("_failed is null").selectExpr(*columns).collect()}
    assert lines == {
        f"OR-{invoice}": (status, units, Decimal(amount), customer, moment)
        for invoice, (_, (status, units, amount, customer, moment)) in SAID.items()
    }


# What is no line: the row, the check, the column.
NO_LINES: dict[str | None, tuple[Row, tuple[str, str]]] = {
    None: ({}, ("order_named", "order_id")),
    "B12": ({}, ("order_named", "order_id")),
    "536365": ({"Quantity": "six"}, ("present", "quantity")),
    "536366": ({"UnitPrice": "3,39"}, ("present", "unit_price")),
    "536367": ({"InvoiceDate": "01/12/2010"}, ("present", "ordered_at")),
    "536368": ({"Quantity": "99999999999999"}, ("plausible", "quantity")),
    "C536369": ({"Quantity": "6"}, ("sign", "quantity")),
}


def test_a_row_that_is_no_line_is_rejected_with_its_text(spark: SparkSession) -> None:
    rows = [a_retail_row(n, invoice, **said) for n, (invoice, (said, _)) in enumerate(NO_LINES.items())]
    found = rejected(rows_of(spark, rows), "t").orderBy("position").collect()
    assert [(row["check"], row["column"]) for row in found] == [verdict for _, verdict in NO_LINES.values()]
    assert all("WHITE METAL LANTERN" in row["row"] for row in found)


def test_of_rows_that_say_the_same_one_counts_and_lines_are_numbered_by_content_whatever_came_first(
    spark: SparkSession,
) -> None:
    rows = [
        a_retail_row(1, "1"),
        a_retail_row(2, "1", StockCode="85123A"),
        a_retail_row(3, "1"),  # again
        a_retail_row(4, "1", StockCode="85123a ", Description="", UnitPrice="3.390"),  # in another spelling
        a_retail_row(5, "1", Quantity="7"),  # more of the same is another line
        a_retail_row(6, "2"),  # and so is the same on another invoice
    ]
    numbers = []
    for given in (rows, rows[::-1]):
        found = rows_of(spark, given).cache()
        clean = found.where("_failed is null").orderBy("order_id", "line_number").collect()
        numbers.append([(row["order_id"], row["line_number"], row["sku"], row["quantity"]) for row in clean])
        said = found.where(found["_failed.check"] == REPEATED).select("_position", "_failed.reason").collect()
        assert {(row[0][-1], row[1]) for row in said} == {("3", online_retail.EXACT), ("4", online_retail.NEAR)}
    lines = [("OR-1", 1, "71053", 6), ("OR-1", 2, "71053", 7), ("OR-1", 3, "85123A", 6), ("OR-2", 1, "71053", 6)]
    assert numbers == [lines, lines]


@retail.needs_files
def test_every_row_of_the_files_is_accounted_for(lake: Lake, lake_settings: LakeSettings) -> None:
    files = retail.days(default=4)
    expected = retail.account(retail.read(files))
    assert retail.load(lake_settings, files).rows == expected["rows"]
    stored = lake.spark.table(lake.full_name(bronze.ONLINE_RETAIL))
    found = judged(lake.spark, stored).cache()

    columns = ["order_id", "line_number", "sku", "quantity", "unit_price", "source_user_id", "status", "total_amount"]
    kept = found.where("_failed is null").select(*columns, "currency", "ordered_at").toArrow().to_pylist()
    verdicts = Counter(row["reason"] for row in found.where("_failed is not null").select("_failed.reason").collect())

    assert verdicts == Counter(
        {online_retail.EXACT: expected["exact duplicates"], online_retail.NEAR: expected["near duplicates"]}
    )
    assert account_of(kept) == {name: expected[name] for name in account_of(kept)}
    assert len(kept) + sum(verdicts.values()) == expected["rows"]
    assert line_by_line(kept) == Counter(map(values, {retail.sold(row) for row in retail.read(files)}))
    assert {row["currency"] for row in kept} == {"GBP"}
    assert numbers_without_gaps(kept)
    assert distinct_lines(*inputs(lake.spark, stored)).collect()[0][0] == expected["rows"]


def account_of(kept: list[dict[str, Any]]) -> dict[str, object]:
    statuses = Counter(row["status"] for row in kept)
    return {
        "lines": len(kept),
        **{status: statuses[status] for status in ("completed", "returned", "adjusted")},
        "without customer": sum(row["source_user_id"] is None for row in kept),
        "at no price": sum(row["unit_price"] == 0 for row in kept),
        "orders": len({row["order_id"] for row in kept}),
        "units": sum(row["quantity"] for row in kept),
        "pounds": sum((row["total_amount"] for row in kept), Decimal(0)),
    }


def line_by_line(kept: list[dict[str, Any]]) -> Counter[tuple[object, ...]]:
    names = ("order_id", "sku", "quantity", "unit_price", "source_user_id", "status", "total_amount")
    return Counter((row["ordered_at"].astimezone(UTC), *(row[name] for name in names)) for row in kept)


def values(line: retail.Sold) -> tuple[object, ...]:
    what = (line.order_id, line.sku, line.quantity, line.unit_price, line.source_user_id, line.status, line.amount)
    return (line.ordered_at.astimezone(UTC), *what)


def numbers_without_gaps(kept: list[dict[str, Any]]) -> bool:
    numbers: dict[str, list[int]] = {}
    for row in kept:
        numbers.setdefault(row["order_id"], []).append(row["line_number"])
    return all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
