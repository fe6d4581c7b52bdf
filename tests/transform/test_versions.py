"""Spark's histories are the histories of `scd2.py`, on changes nobody chose."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession
from transform.scd2 import Change, Version, history
from transform.versions import versions

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


def on_spark(spark: SparkSession, changes: list[Change], tracked: tuple[str, ...]) -> list[Version]:
    rows = [(c.key, *c.attributes, c.at, c.exists_since, c.deleted, c.position) for c in changes]
    found = versions(spark.createDataFrame(rows, SCHEMA), ("key",), tracked).orderBy("key", "valid_from").collect()
    return [
        Version(
            row["key"],
            (row["city"], row["mood"]),
            _aware(row["valid_from"]),
            _aware(row["end_date"]) if row["end_date"] else None,
            row["is_current"],
            row["is_deleted"],
        )
        for row in found
    ]


def _aware(local: datetime) -> datetime:
    return local.astimezone(UTC)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spark_agrees_with_the_rules_on_random_changes(spark: SparkSession, seed: int) -> None:
    changes = random_changes(seed, keys=150)
    assert on_spark(spark, changes, ("city", "mood")) == history(changes)


def test_spark_agrees_when_only_some_attributes_are_tracked(spark: SparkSession) -> None:
    changes = random_changes(4, keys=150)
    assert on_spark(spark, changes, ("city",)) == history(changes, tracked=[0])
