"""stock_movements_clean, inventory_snapshots, events_clean, fraud_labels, from records of Kafka."""

import pytest
from bronze_builders import Row, a_label, a_movement, a_record, an_event, frame
from fold_builders import folded
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from transform import bronze
from transform.contract import clean, rejected, tally
from transform.tables import events_clean, fraud_labels, stock_movements_clean
from transform.tables.inventory_snapshots import inventory_snapshots

pytestmark = pytest.mark.servers


def movements(spark: SparkSession, *values: Row) -> DataFrame:
    records = frame(spark, bronze.STOCK_MOVEMENTS, [a_record(value) for value in values])
    return folded(stock_movements_clean.FOLD, records)


def closes(spark: SparkSession, *values: Row) -> list[Row]:
    daily = inventory_snapshots(stock_movements_clean.stock_movements_clean(movements(spark, *values)))
    return [row.asDict() for row in daily.orderBy("sku", "location", "day").collect()]


def failures(judged: DataFrame) -> list[tuple[str, str]]:
    return [(row["check"], row["column"]) for row in rejected(judged, "t").orderBy("position").collect()]


def test_the_close_is_the_fold_of_the_movements(spark: SparkSession) -> None:
    [first, second] = closes(
        spark,
        a_movement("count", 10, 1.0),
        a_movement("sale", -3, 1.1),
        a_movement("receipt", 5, 1.2),
        a_movement("transfer", -1, 2.0),
        a_movement("return", 2, 2.1),
        a_movement("adjustment", -4, 2.2),
    )
    assert (first["on_hand_close"], first["sold"], first["received"], first["counted"]) == (12, 3, 5, 10)
    assert (second["on_hand_close"], second["transferred"], second["returned"], second["adjusted"]) == (9, -1, 2, -4)
    assert second["counted"] is None


def test_a_count_sets_what_is_on_hand_and_the_days_last_count_is_told(spark: SparkSession) -> None:
    [day] = closes(
        spark,
        a_movement("sale", -3, 1.0),
        a_movement("count", 7, 1.1),
        a_movement("count", 5, 1.2),
        a_movement("sale", -1, 1.3),
    )
    assert (day["on_hand_close"], day["counted"], day["sold"]) == (4, 5, 4)


def test_before_the_first_count_the_fold_starts_at_zero_and_may_be_negative(spark: SparkSession) -> None:
    assert [day["on_hand_close"] for day in closes(spark, a_movement("sale", -3))] == [-3]


def test_movements_count_in_the_order_in_which_they_occurred(spark: SparkSession) -> None:
    late = [a_movement("sale", -3, 1.1), a_movement("count", 10, 1.0)]  # the count arrives after the sale
    assert [day["on_hand_close"] for day in closes(spark, *late)] == [7]


def test_a_movement_delivered_twice_counts_once(spark: SparkSession) -> None:
    sale = a_movement("sale", -3)
    assert [day["sold"] for day in closes(spark, sale, sale)] == [3]


def test_movements_that_make_no_sense_are_rejected_and_an_unknown_sku_is_not(spark: SparkSession) -> None:
    judged = movements(
        spark,
        a_movement("sale", -1, sku="P-UNKNOWN"),  # no product has it, the shelf does
        a_movement("sale", 1),  # a sale takes away
        a_movement("count", -1),
        a_movement("theft", -1),
        a_movement("receipt", 1.5),  # half a unit
        a_movement("receipt", 1, occurred_at="yesterday"),
        a_movement("receipt", 1, sku=None),
    )
    assert failures(judged) == [
        ("sign", "quantity"),
        ("sign", "quantity"),
        ("wrong_schema", "type"),
        ("wrong_schema", "quantity"),
        ("wrong_schema", "occurred_at"),
        ("wrong_schema", "sku"),
    ]
    assert stock_movements_clean.stock_movements_clean(judged).count() == 1


def test_an_event_has_its_user_who_leads_to_the_customer_and_an_anonymous_one_has_none(spark: SparkSession) -> None:
    records = [a_record(an_event(user_id=1)), a_record(an_event(user_id=None)), a_record(an_event(user_id=2))]
    known = spark.createDataFrame(
        [("shop", "1", "C1"), ("marketplace", "2", "C2")], "source string, source_user_id string, customer_id string"
    )
    happened = events_clean.events_clean(folded(events_clean.FOLD, frame(spark, bronze.EVENTS, records)))
    of_shop = known.where("source = 'shop'").select(
        F.col("source_user_id").cast("bigint").alias("user_id"), "customer_id"
    )
    found = happened.join(of_shop, "user_id", "left").orderBy("sequence").collect()
    assert "customer_id" not in happened.columns  # an event of yesterday does not change when a customer is found
    assert [(row["user_id"], row["customer_id"]) for row in found] == [(1, "C1"), (None, None), (2, None)]


def test_of_two_deliveries_of_an_event_the_first_position_counts(spark: SparkSession) -> None:
    first, again = an_event(event_id="e"), an_event(event_id="e", session_id="s2")
    records = frame(spark, bronze.EVENTS, [a_record(again, _position="00001/2"), a_record(first, _position="00001/1")])
    kept = folded(events_clean.FOLD, records)
    assert [row["session_id"] for row in clean(kept).collect()] == ["s1"]
    assert tally(kept).collect()[0].asDict() == {"clean": 1, "rejected": 0, "repeated": 0}
    count = events_clean.FOLD.count_arrivals
    assert count is not None
    assert count(records).collect()[0][0] == 2  # the other one is the repetition


def test_a_delivery_that_puts_a_rejected_one_right_counts_and_the_rejected_one_stays_to_be_seen(
    spark: SparkSession,
) -> None:
    wrong, right = an_event(event_id="e", kind="danced"), an_event(event_id="e")
    kept = folded(events_clean.FOLD, frame(spark, bronze.EVENTS, [a_record(wrong), a_record(right), a_record(wrong)]))
    assert tally(kept).collect()[0].asDict() == {"clean": 1, "rejected": 1, "repeated": 0}


def test_an_event_of_a_wrong_type_is_rejected_with_its_bytes(spark: SparkSession) -> None:
    records = [
        a_record(an_event(user_id="abc")),
        a_record(an_event(kind="danced")),
        a_record(b'{"event_id": "x", "type": "login", "occurred_at": "2026-01-01T00:00:00Z"}'),  # no session
        a_record(b"\xff not json"),  # ingest lets none through, but if it did, nothing is lost
    ]
    judged = folded(events_clean.FOLD, frame(spark, bronze.EVENTS, records))
    assert failures(judged) == [
        ("typed", "user_id"),
        ("known_type", "type"),
        ("present", "session_id"),
        ("present", "event_id"),
    ]
    rows = {row["check"]: row["row"] for row in rejected(judged, "t").collect()}
    assert "danced" in rows["known_type"]


def test_a_label_says_when_it_became_known(spark: SparkSession) -> None:
    label = a_label("7", event_id="l1")
    records = [a_record(label), a_record(label), a_record(a_label("8", is_fraud="maybe"))]
    judged = folded(fraud_labels.FOLD, frame(spark, bronze.FRAUD_LABELS, records))
    [row] = fraud_labels.fraud_labels(judged).selectExpr("*", "cast(known_at as string) as known").collect()
    assert (row["order_id"], row["is_fraud"], row["known"], row["event_id"]) == ("7", True, "2026-01-10 00:00:00", "l1")
    assert failures(judged) == [("present", "is_fraud")]
