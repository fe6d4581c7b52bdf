"""Change logs, as bronze has them."""

import pytest
from pyspark.sql import SparkSession
from transform.changes import filled

pytestmark = pytest.mark.servers


def test_a_value_that_was_not_sent_is_the_one_the_key_had_before(spark: SparkSession) -> None:
    log = spark.createDataFrame(
        [
            (1, "c", "01", "long", "a", None),
            (2, "c", "02", "other", "a", None),
            (1, "u", "03", None, "b", '["text"]'),
            (1, "u", "04", None, "c", None),  # a null that was sent is a null
            (1, "u", "05", None, "d", '["text"]'),
            (1, "u", "06", "new", "e", None),
            (1, "d", "07", None, None, None),
            (2, "u", "08", None, "b", '["text"]'),
        ],
        "id int, _op string, _position string, text string, name string, _unchanged string",
    )
    found = {row["_position"]: row["text"] for row in filled(log, "id").collect()}
    assert found["03"] == "long"
    assert (found["04"], found["05"]) == (None, None)
    assert (found["06"], found["08"]) == ("new", "other")


def test_a_log_where_everything_was_sent_is_left_as_it_is(spark: SparkSession) -> None:
    log = spark.createDataFrame(
        [(1, "c", "01", None, None), (1, "u", "02", "a", None), (1, "d", "03", None, None)],
        "id int, _op string, _position string, text string, _unchanged string",
    )
    assert filled(log, "id").orderBy("_position").collect() == log.orderBy("_position").collect()
    assert filled(log.drop("_unchanged"), "id").columns == ["id", "_op", "_position", "text"]
