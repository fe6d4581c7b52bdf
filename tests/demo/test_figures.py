"""The report's own sums: the independent stock fold, live rows of a change log, order lines, average precision."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from lake_double import LakeDouble
from shopsphere_local.demo import conservation, equality
from shopsphere_local.demo.checkout import average_precision, fraudulent_orders, scored_days
from shopsphere_local.demo.stock import expected_stock
from stock_cases import STOCK_CASES, StockCase

MOVEMENTS = "bronze_kafka__stock_movements"


def movement(event_id: str, type_: str, quantity: int, sku: str = "P1") -> bytes:
    return json.dumps(
        {
            "event_id": event_id,
            "type": type_,
            "occurred_at": f"2017-01-01T10:{int(event_id):02}:00Z",
            "source": "till",
            "sku": sku,
            "location": "S1",
            "quantity": quantity,
        }
    ).encode()


def topic(*values: bytes) -> pa.Table:
    return pa.table({"value": list(values), "partition": [0] * len(values), "offset": list(range(len(values)))})


def test_a_count_sets_the_stock_and_later_movements_change_it() -> None:
    rows = topic(movement("1", "receipt", 9), movement("2", "count", 5), movement("3", "sale", -2))
    assert expected_stock(LakeDouble({MOVEMENTS: rows})) == {("P1", "S1"): 3}


def test_a_movement_that_was_delivered_twice_counts_once() -> None:
    rows = topic(movement("1", "count", 5), movement("2", "sale", -2), movement("2", "sale", -2))
    assert expected_stock(LakeDouble({MOVEMENTS: rows})) == {("P1", "S1"): 3}


def test_a_movement_that_ingest_rejected_does_not_count() -> None:
    rows = topic(movement("1", "count", 5), movement("2", "sale", -2))
    rejected = rows.append_column("_rejected", pa.array([None, "key_wrong"]))
    assert expected_stock(LakeDouble({MOVEMENTS: rejected})) == {("P1", "S1"): 5}


def test_every_sku_has_a_fold_of_its_own() -> None:
    rows = topic(movement("1", "count", 5), movement("2", "receipt", 4, sku="P2"))
    assert expected_stock(LakeDouble({MOVEMENTS: rows})) == {("P1", "S1"): 5, ("P2", "S1"): 4}


def test_a_row_whose_newest_change_is_a_delete_is_not_live() -> None:
    changes = pa.table({"user_id": [1, 1, 2, 3], "_op": ["r", "d", "c", "u"], "_position": ["1", "9", "2", "3"]})
    assert conservation.live_rows(LakeDouble({"users": changes}), "users", ("user_id",)) == 2


def test_what_was_before_a_truncate_is_not_live() -> None:
    changes = pa.table(
        {"_id": ["a", "b", None, "b"], "_op": ["r", "c", "t", "r"], "_position": ["1/0", "1/1", "2/0", "2/1"]}
    )
    assert conservation.live_rows(LakeDouble({"orders": changes}), "orders", ("_id",)) == 1


def test_documents_and_rows_before_a_truncate_are_not_held_against_the_source() -> None:
    documents = pa.table(
        {
            "_id": ['"a"', '"b"', None, '"b"'],
            "document": ['{"_id": "a"}', '{"_id": "b"}', None, '{"_id": "b", "status": "new"}'],
            "_op": ["r", "c", "t", "r"],
            "_position": ["1/0", "1/1", "2/0", "2/1"],
        }
    )
    source = {'"b"': '{"_id": "b", "status": "new"}'}
    assert equality._differing_documents(LakeDouble({"bronze_mongo__marketplace_orders": documents}), source) == 0
    rows = pa.table({"id": [1, None, 2], "_op": ["c", "t", "c"], "_position": ["1", "2", "3"]})
    assert list(equality._live(rows, ["id"], ("id",))) == [(2,)]


def test_a_document_without_a_list_of_items_counts_as_one_line() -> None:
    documents = ['{"items": [1, 2, 3]}', '{"items": "none"}', '{"items": [1, 2]}']
    rows: dict[str, list[Any]] = {"_id": ["a", "b", "a"], "document": documents}
    lake = LakeDouble(
        {
            "bronze_mongo__marketplace_orders": pa.table(rows | {"_op": ["c", "c", "u"], "_position": ["1", "2", "3"]}),
            "bronze_postgres__order_items": pa.table(
                {"order_id": [7, 7], "line_number": [1, 2], "_op": ["c", "c"], "_position": ["1", "1"]}
            ),
        }
    )
    assert conservation.order_lines(lake) == 2 + 2 + 1


def test_a_perfect_ranking_has_precision_one_and_none_without_positives() -> None:
    assert average_precision({"a": 0.9, "b": 0.5, "c": 0.1}, {"a", "b"}) == 1.0
    assert average_precision({"a": 0.9}, {"z"}) is None


def test_equal_scores_are_taken_together_whatever_their_order() -> None:
    assert average_precision({"a": 0.5, "b": 0.5}, {"a"}) == average_precision({"b": 0.5, "a": 0.5}, {"a"}) == 0.5


def test_a_positive_found_second_halves_the_precision() -> None:
    assert average_precision({"a": 0.9, "b": 0.5}, {"b"}) == 0.5


@pytest.mark.parametrize(("days", "scored"), [(1, 1), (2, 1), (7, 2), (28, 7), (365, 91)])
def test_a_quarter_of_the_days_is_scored(days: int, scored: int) -> None:
    assert scored_days(days) == scored


def test_the_truth_is_read_by_order(tmp_path: Path) -> None:
    file = tmp_path / "truth.csv"
    file.write_text("order_id,channel\n7,web\nMP-8,marketplace\n")
    assert fraudulent_orders(file) == {"7", "MP-8"}


@pytest.mark.parametrize("case", STOCK_CASES, ids=lambda case: case.name)
def test_the_report_folds_stock_by_the_one_rule(case: StockCase) -> None:
    rows = topic(*(json.dumps(each).encode() for each in case.movements))
    assert expected_stock(LakeDouble({MOVEMENTS: rows})) == case.on_hand
