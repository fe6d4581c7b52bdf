"""The one rule of stock in the lake: the cases that the inventory passes too."""

import json
from collections.abc import Iterable

import pytest
from bronze_builders import a_record, frame
from fold_builders import folded
from pyspark.sql import DataFrame, SparkSession
from shopsphere_kit.events import StockMovement
from stock_cases import FOLD_CASES, STOCK_CASES, VALID_CASES, Json, StockCase
from transform import bronze
from transform.contract import rejected, tally
from transform.movement import Fault, read
from transform.tables.inventory_snapshots import inventory_snapshots
from transform.tables.stock_movements_clean import FOLD, stock_movements_clean


def records(spark: SparkSession, movements: Iterable[Json]) -> DataFrame:
    return frame(spark, bronze.STOCK_MOVEMENTS, [a_record(movement) for movement in movements])


def apart(case: int, movement: Json) -> Json:
    """The movement with names of its case's own, so that the cases of one frame do not meet."""
    return {**movement, "event_id": f"{case}-{movement['event_id']}", "sku": f"{case}-{movement['sku']}"}


@pytest.mark.parametrize("case", STOCK_CASES, ids=lambda case: case.name)
def test_a_record_is_a_movement_by_the_one_rule(case: StockCase) -> None:
    refused = [movement for movement in case.movements if isinstance(read(json.dumps(movement).encode()), Fault)]
    assert tuple(str(movement["event_id"]) for movement in refused) == case.rejected


@pytest.mark.servers
def test_the_lake_folds_by_the_one_rule(spark: SparkSession) -> None:
    moved = [apart(number, movement) for number, case in enumerate(FOLD_CASES) for movement in case.movements]
    judged = folded(FOLD, records(spark, moved)).persist()
    days = inventory_snapshots(stock_movements_clean(judged)).orderBy("day").collect()
    refused = rejected(judged, "t").orderBy("position").collect()
    judged.unpersist()
    assert {(row["sku"], row["location"]): row["on_hand_close"] for row in days} == {
        (f"{number}-{sku}", location): units
        for number, case in enumerate(FOLD_CASES)
        for (sku, location), units in case.on_hand.items()
    }
    assert [json.loads(row["row"])["event_id"] for row in refused] == [
        f"{number}-{event_id}" for number, case in enumerate(FOLD_CASES) for event_id in case.rejected
    ]


@pytest.mark.servers
def test_the_lake_takes_and_rejects_by_the_one_rule(spark: SparkSession) -> None:
    judged = folded(FOLD, records(spark, (movement for case in VALID_CASES for movement in case.movements)))
    taken, refused = stock_movements_clean(judged).collect(), rejected(judged, "t").collect()
    wrong = {event_id for case in VALID_CASES for event_id in case.rejected}
    assert {json.loads(row["row"])["event_id"] for row in refused} == wrong
    given = {str(movement["event_id"]) for case in VALID_CASES for movement in case.movements}
    assert {row["event_id"] for row in taken} == given - wrong


@pytest.mark.servers
def test_the_close_of_a_day_knows_nothing_of_later_days(spark: SparkSession) -> None:
    moves: list[Json] = [
        {"type": "receipt", "quantity": 5, "occurred_at": "2017-03-01T09:00:00Z"},
        {"type": "count", "quantity": 9, "occurred_at": "2017-03-02T09:00:00Z"},
        {"type": "count", "quantity": 7, "occurred_at": "2017-03-02T09:00:00Z"},
        {"type": "sale", "quantity": -1, "occurred_at": "2017-03-02T09:00:00Z"},
        {"type": "sale", "quantity": -2, "occurred_at": "2017-03-03T09:00:00Z"},
    ]
    named = [{"event_id": f"e{i}", "source": "s", "sku": "P1", "location": "S1", **m} for i, m in enumerate(moves)]
    judged = folded(FOLD, records(spark, reversed(named)))
    days = inventory_snapshots(stock_movements_clean(judged)).orderBy("day").collect()
    assert [(row["on_hand_close"], row["counted"]) for row in days] == [(5, None), (6, 7), (4, None)]


@pytest.mark.servers
def test_a_rejected_delivery_is_told_once_and_a_good_one_with_its_event_id_still_counts(spark: SparkSession) -> None:
    good = {"event_id": "e", "type": "sale", "source": "s", "sku": "P1", "location": "S1", "quantity": -1}
    dated = {**good, "occurred_at": "2017-03-01T09:00:00Z"}
    judged = folded(FOLD, records(spark, [{**dated, "quantity": 1}, dated, dated]))
    assert tally(judged).collect()[0].asDict() == {"clean": 1, "rejected": 1, "repeated": 0}
    assert rejected(judged, "t").count() == 1


def test_a_sequence_beyond_64_bits_is_no_fault() -> None:
    moved = {"event_id": "e", "type": "sale", "occurred_at": "2017-03-01T09:00:00Z", "source": "s", "sku": "P1"}
    found = read(json.dumps({**moved, "location": "S1", "quantity": -1, "sequence": 2**70}).encode())
    assert isinstance(found, StockMovement)
