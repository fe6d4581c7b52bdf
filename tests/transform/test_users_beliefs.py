"""users_beliefs, from rows of bronze: what was believed of users, by the times at which bronze got the changes."""

import pytest
from bronze_builders import Row, a_user, at, frame
from fold_builders import identified
from pyspark.sql import DataFrame, SparkSession
from transform import bronze
from transform.tables.users_beliefs import users_beliefs
from transform.tables.users_scd import changes_of_persons, each_once, person_changes, users_scd

pytestmark = pytest.mark.servers


def judged(spark: SparkSession, users: list[Row]) -> DataFrame:
    arrived = changes_of_persons(frame(spark, bronze.USERS, users), frame(spark, bronze.MARKETPLACE_ORDERS))
    return person_changes(each_once(arrived))


# The change between the others comes last, by days.
USERS = [
    {"_position": "1", "city": "Troy", "updated_at": at(0), "_ingested_at": at(0)},
    {"_position": "3", "city": "Rome", "updated_at": at(5), "_ingested_at": at(5)},
    {"_position": "2", "city": "Oslo", "updated_at": at(3), "_ingested_at": at(7)},
]


def test_what_was_believed_on_a_day_can_be_asked(spark: SparkSession) -> None:
    users_beliefs(judged(spark, [a_user(1, **given) for given in USERS])).createOrReplaceTempView("users_beliefs")
    asked = (
        "select city, date_format(valid_from, 'd') from users_beliefs where recorded_at <= timestamp'2026-01-0{0}' "
        "and (superseded_at is null or superseded_at > timestamp'2026-01-0{0}') order by valid_from"
    )
    told = {day: [tuple(row) for row in spark.sql(asked.format(day)).collect()] for day in (1, 6, 9)}
    assert told == {
        1: [("Troy", "1")],
        6: [("Troy", "1"), ("Rome", "6")],
        9: [("Troy", "1"), ("Oslo", "4"), ("Rome", "6")],
    }


def test_what_is_believed_now_is_users_scd(spark: SparkSession) -> None:
    changes = judged(spark, [a_user(number, **given) for number in (1, 2) for given in USERS])
    now = users_beliefs(changes).where("superseded_at is null").drop("recorded_at", "superseded_at")
    by = ["source", "source_user_id", "valid_from"]
    then = users_scd(changes, identified(changes)).drop("customer_id")
    assert now.orderBy(*by).collect() == then.orderBy(*by).collect()
