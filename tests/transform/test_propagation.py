"""From what changed to the scopes it reaches, and from what was built to what changed."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from bronze_builders import at
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from transform.propagation import Change, compared, difference, reached, restricted, within
from transform.spec import STRING, Difference, Table, looked_up, required, scoped

pytestmark = pytest.mark.servers
CHANCE = Random(7)  # noqa: S311 - a test's values, no secret
VALUES: dict[str, list[object]] = {
    "numbers": [*CHANCE.sample(range(-(10**12), 10**12), 200), 0, -(2**63), 2**63 - 1],
    "days": [date(2026, 1, 1) + timedelta(days=CHANCE.randrange(2000)) for _ in range(200)],
    "moments": [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=CHANCE.randrange(10**7)) for _ in range(200)],
    "texts": [f"P{CHANCE.randrange(10**6)}" for _ in range(200)],
    # As bytes these are in the order of their code points; as UTF-16 they would not be.
    "odd texts": ["", "'", "') OR true --", "\\", "a\nb", "Zoë", "\ufffd", "😀", "%", "_"],
    "one": ["P1"],
}


@pytest.mark.parametrize("kind", VALUES)
def test_files_are_looked_into_for_every_value_and_only_in_some_ranges(spark: SparkSession, kind: str) -> None:
    values = VALUES[kind]
    condition = within("value", values)
    frame = spark.createDataFrame([(value,) for value in values], _type(values[0]))
    assert frame.where(condition).count() == len(values)
    assert 0 < condition.count("BETWEEN") <= 50


def _type(value: object) -> str:
    kinds = {int: "long", str: "string", date: "date", datetime: "timestamp"}
    return f"value {kinds[type(value)]}"


def test_values_far_from_each_other_are_ranges_of_their_own(spark: SparkSession) -> None:
    known = [*range(100), *range(10_000, 10_100), 10**9]
    condition = within("id", known)
    between = spark.createDataFrame([(n,) for n in (101, 5_000, 9_999, 10_200, 10**8)], "id long")
    assert between.where(condition).isEmpty()


def test_texts_come_as_hex_so_that_no_key_can_say_anything() -> None:
    assert within("key", ["') OR true --"]) == (
        "(key BETWEEN cast(X'2729204f522074727565202d2d' AS string) AND cast(X'2729204f522074727565202d2d' AS string))"
    )


def test_nothing_is_within_no_values() -> None:
    assert within("key", []) == within("key", [None]) == "false"


def test_null_is_a_scope_like_any_other(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1), (None, 2), ("b", 3), (None, 4)], "key string, n int")
    scopes = spark.createDataFrame([(None,), ("b",), ("b",)], "name string")
    assert sorted(row["n"] for row in restricted(rows, ["upper(key)"], scopes, ["name"]).collect()) == [2, 4]
    assert sorted(row["n"] for row in restricted(rows, ["key"], scopes, ["name"]).collect()) == [2, 3, 4]


KINDS = "id int, value string"


def test_only_what_differs_is_changed_and_null_equals_null(spark: SparkSession) -> None:
    old = spark.createDataFrame([(1, "a"), (2, None), (3, "c"), (4, "d"), (5, None)], KINDS)
    new = spark.createDataFrame([(1, "a"), (2, None), (3, "C"), (5, "e"), (6, "f")], KINDS)
    found = difference(compared(old, new, ["id"]))
    assert sorted(map(tuple, found.before.collect())) == [(3, "c"), (4, "d"), (5, None)]
    assert sorted(map(tuple, found.after.collect())) == [(3, "C"), (5, "e"), (6, "f")]
    assert found.rows.count() == 6


def test_a_row_that_was_made_twice_is_told_though_it_is_what_there_was(spark: SparkSession) -> None:
    old = spark.createDataFrame([(1, "a"), (2, "b")], KINDS)
    new = spark.createDataFrame([(1, "a"), (1, "a"), (2, "b")], KINDS)
    found = compared(old, new, ["id"]).select("id", "_copies").collect()
    assert [tuple(row) for row in found] == [(1, 2), (1, 2)]


def _orders_of(changed: Difference, read: object) -> DataFrame:
    del read
    return changed.after.select(F.concat(F.lit("looked up "), "value").alias("order_id"))


READER = Table(
    name="gold.reader",
    grain=("order_id",),
    schema=StructType([required("order_id", STRING)]),
    personal=(),
    scope=("order_id",),
    reads=(
        scoped("silver.lines", "cast(id as string)"),
        scoped("judged.lines", "order_key"),
        looked_up("silver.names", _orders_of),
        looked_up("silver.calendar"),
    ),
    build=lambda *frames: frames[0],
)


@pytest.fixture
def moved(spark: SparkSession) -> Change:
    before, after = ([(1, "a"), (2, "b")], [(2, "B"), (3, "c")])
    return Change(Difference(spark.createDataFrame(before, KINDS), spark.createDataFrame(after, KINDS)))


def scopes_reached(changes: dict[str, Change]) -> list[str] | None:
    found = reached(READER, changes, lambda name: pytest.fail(f"{name} is read"))
    return None if found is None else sorted(row["order_id"] for row in found.collect())


def test_a_change_reaches_the_scopes_of_the_rows_taken_out_and_put_in_each_once(moved: Change) -> None:
    assert scopes_reached({"silver.lines": moved}) == ["1", "2", "3"]


def test_what_was_judged_anew_and_what_is_looked_up_reach_scopes_too(spark: SparkSession, moved: Change) -> None:
    judged = Change(keys=spark.createDataFrame([("9",)], "order_key string"))
    changes = {"judged.lines": judged, "silver.names": moved, "silver.calendar": moved}
    assert scopes_reached(changes) == ["9", "looked up B", "looked up c"]


def test_a_change_of_what_concerns_nobody_or_is_not_read_reaches_nothing(moved: Change) -> None:
    assert scopes_reached({"silver.calendar": moved}) is None
    assert scopes_reached({"silver.others": moved}) is None


def test_a_change_says_something() -> None:
    with pytest.raises(ValueError, match="a difference or keys"):
        _ = Change().rows


def test_the_tests_calendar_has_zones() -> None:
    assert within("t", [at(1)]) == (
        "(t BETWEEN timestamp'2026-01-02 00:00:00+00:00' AND timestamp'2026-01-02 00:00:00+00:00')"
    )
