"""Spark's histories and beliefs are those of the model, on changes nobody chose."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from scd2_model import Change, Version, history
from transform.versions import beliefs, versions

pytestmark = pytest.mark.servers
DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)
STAMPS = "event_at timestamp, exists_since timestamp, deleted boolean, _position string"
SCHEMA = f"key string, city string, mood string, {STAMPS}"


def random_changes(seed: int, keys: int) -> list[Change]:
    """Up to 12 changes of each key on few days, so that ties, repetitions and deletes of nothing are common."""
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    changes = []
    for number in range(keys * 8):
        deleted = dice.random() < 0.25
        values = (None, None) if deleted else (dice.choice(["Troy", "Rome", None]), dice.choice("ab"))
        moment = DAY_0 + timedelta(days=dice.randrange(6))
        since = dice.choice([None, moment - timedelta(days=2), moment + timedelta(days=2)])
        changes.append(Change(f"k{dice.randrange(keys)}", moment, f"{number:06}", values, deleted, since))
    again = changes + dice.sample(changes, len(changes) // 4)
    dice.shuffle(again)
    return again


def frame(spark: SparkSession, changes: list[Change]) -> DataFrame:
    rows = [(c.key, *c.attributes, c.at, c.exists_since, c.deleted, c.position) for c in changes]
    return spark.createDataFrame(rows, SCHEMA)


def on_spark(spark: SparkSession, changes: list[Change], tracked: tuple[str, ...]) -> list[Version]:
    found = versions(frame(spark, changes), ("key",), tracked).orderBy("key", "valid_from").collect()
    return [as_version(row) for row in found]


def as_version(row: Row) -> Version:
    return Version(
        row["key"],
        (row["city"], row["mood"]),
        _aware(row["valid_from"]),
        _aware(row["end_date"]) if row["end_date"] else None,
        row["is_current"],
        row["is_deleted"],
    )


def _aware(local: datetime) -> datetime:
    return local.astimezone(UTC)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spark_agrees_with_the_rules_on_random_changes(spark: SparkSession, seed: int) -> None:
    changes = random_changes(seed, keys=150)
    assert on_spark(spark, changes, ("city", "mood")) == history(changes)


def test_spark_agrees_when_only_some_attributes_are_tracked(spark: SparkSession) -> None:
    changes = random_changes(4, keys=150)
    assert on_spark(spark, changes, ("city",)) == history(changes, tracked=[0])


def test_the_size_of_sparks_batches_plays_no_part(spark: SparkSession) -> None:
    changes = random_changes(5, keys=40)
    before = spark.conf.get("spark.sql.execution.arrow.maxRecordsPerBatch")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "7")
    try:
        assert on_spark(spark, changes, ("city", "mood")) == history(changes)
    finally:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(before))


def test_spark_tells_what_was_believed_when(spark: SparkSession) -> None:
    changes = sorted(set(random_changes(6, keys=30)), key=lambda change: change.position)
    recorded = frame(spark, changes).selectExpr(
        "*", "event_at + make_interval(0, 0, 0, int(_position) % 3) as recorded_at"
    )
    found = beliefs(recorded, ("key",), ("city", "mood")).collect()
    known = {(row["key"], row["_position"]): _aware(row["recorded_at"]) for row in recorded.collect()}
    for moment in (DAY_0 + timedelta(days=number) for number in range(-1, 9)):
        rows = [row for row in found if _aware(row["recorded_at"]) <= moment and not _superseded(row, moment)]
        expected = history(change for change in changes if known[change.key, change.position] <= moment)
        assert sorted(map(as_version, rows), key=lambda one: (one.key, one.valid_from)) == expected


def _superseded(row: Row, moment: datetime) -> bool:
    return row["superseded_at"] is not None and _aware(row["superseded_at"]) <= moment
