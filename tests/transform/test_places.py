"""Where rows lie: the values that a scan is told, and the moments among them."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from transform.places import TOLD_MAX, values_of
from transform.propagation import within

pytestmark = pytest.mark.servers
# On 29 October 2017 Berlin had half past two twice: at 00:30 and at 01:30 of UTC.
FIRST = datetime(2017, 10, 29, 0, 30, tzinfo=UTC)
MOMENTS = [FIRST + timedelta(minutes=minutes) for minutes in range(0, 120, 2)]


@pytest.fixture
def in_berlin() -> Iterator[None]:
    """The time of this process; Spark's session is in UTC all the same."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
def test_moments_of_the_hour_that_comes_twice_in_autumn_are_told_apart(spark: SparkSession) -> None:
    seconds = spark.createDataFrame([(int(moment.timestamp()),) for moment in MOMENTS], "seconds long")
    rows = seconds.select(F.timestamp_seconds("seconds").alias("at"))
    found = values_of(rows)
    assert found is not None
    assert sorted(found) == MOMENTS  # type: ignore[type-var]
    assert rows.where(within("at", found)).count() == len(MOMENTS)


def test_values_that_are_too_many_are_not_told(spark: SparkSession) -> None:
    assert values_of(spark.range(TOLD_MAX)) is not None
    assert values_of(spark.range(TOLD_MAX + 1)) is None
