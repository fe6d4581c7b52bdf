"""What arrives at a fold is counted apart from it, so that a row which typing or folding loses is missed."""

from dataclasses import replace

import pytest
from bronze_builders import Row, a_record, an_event, frame
from pyspark.sql import DataFrame, SparkSession
from transform import arrivals, bronze
from transform.arrivals import Arrivals
from transform.checks import Conservation
from transform.records import deliveries
from transform.spec import Fold
from transform.tables import events_clean

pytestmark = pytest.mark.servers
FOLD = events_clean.FOLD
TWICE = an_event()


@pytest.fixture
def records(spark: SparkSession) -> DataFrame:
    """Two events, one of them delivered twice, and two records that nobody can read."""
    delivered: list[Row] = [a_record(TWICE), a_record(TWICE), a_record(an_event()), a_record(b"?"), a_record(b"!")]
    return frame(spark, bronze.EVENTS, delivered)


def balance(fold: Fold, records: DataFrame) -> Conservation:
    """The balance of a full run: what the fold keeps is clean or rejected."""
    rows = fold.arrive(records)
    found = arrivals.counted(fold, deliveries(records), rows, rows)
    kept = fold.fold(rows)
    rejected = kept.where("_failed is not null").count()
    return Conservation("silver.events_clean", found.delivered, kept.count() - rejected, rejected, found.repeated)


def test_a_second_delivery_is_a_repetition_and_unreadable_records_are_none(records: DataFrame) -> None:
    found = balance(FOLD, records)
    assert (found.delivered, found.repeated, found.out, found.quarantined) == (5, 1, 2, 2)
    assert found.result().holds


def test_a_record_that_typing_loses_is_missed(records: DataFrame) -> None:
    lossy = replace(FOLD, arrive=lambda rows: FOLD.arrive(rows).where("_row is null or _row <> '?'"))
    assert balance(lossy, records).result().failing == 1


def test_a_record_that_folding_loses_is_missed(records: DataFrame) -> None:
    lossy = replace(FOLD, fold=lambda rows: FOLD.fold(rows).where("_row is null or _row <> '?'"))
    assert balance(lossy, records).result().failing == 1


def test_computed_anew_nothing_comes_in_and_more_may_repeat(records: DataFrame) -> None:
    rows = FOLD.arrive(records)
    assert arrivals.counted_again(FOLD, FOLD.fold(rows), rows) == Arrivals(0, 0)
    assert arrivals.counted_again(FOLD, rows, rows) == Arrivals(0, 1)
