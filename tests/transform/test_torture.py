"""The short version of `make torture-transform`: one case, and what the judges notice."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ingest_torture.chance import fresh_seed
from pyspark.sql import SparkSession
from shopsphere_kit.settings import LakeSettings
from transform_torture.plan import Case, Deliver, Die, Run
from transform_torture.spark import sessions_of
from transform_torture.verdict import judge

HISTORIES = 3


@pytest.fixture
def seed() -> int:
    """A new one each time; pytest shows what was printed when a test fails."""
    drawn = fresh_seed()
    numbers = ",".join(map(str, range(HISTORIES)))
    print(f"repeat with: make torture-transform SEED={drawn} ONLY={numbers} BRIEF=1")  # noqa: T201
    return drawn


@pytest.fixture
def on_lake(spark: SparkSession) -> Callable[[LakeSettings], SparkSession]:
    return sessions_of(spark)


@pytest.mark.servers
@pytest.mark.timeout(900)
def test_histories_in_any_order_and_batches_with_a_run_that_dies_end_in_the_tables_of_one_full_run(
    seed: int, on_lake: Callable[[LakeSettings], SparkSession], tmp_path: Path
) -> None:
    case = Case(seed, tuple(range(HISTORIES)), rebuilt=False, brief=True)
    found = judge(case, tmp_path, on_lake)
    assert found.problems == []


def test_a_seed_makes_the_same_case_and_another_one_another() -> None:
    one, again, other = (Case(seed, (0, 1)) for seed in (1, 1, 2))
    assert one.deliveries() == again.deliveries() != other.deliveries()
    assert list(one.steps()) == list(again.steps())


def test_every_row_arrives_once_whatever_the_batches() -> None:
    for seed in range(20):
        case = Case(seed, (0, 1))
        arrived = [one for batch in case.batches_of_rows() for one in batch]
        assert sorted(map(repr, arrived)) == sorted(map(repr, case.deliveries()))


def test_a_case_with_fewer_histories_is_the_same_case_for_those_that_are_left() -> None:
    both, one = (Case(5, histories).batches_of_rows() for histories in ((0, 1), (1,)))
    of_second = [sorted(repr(row) for row in batch if row.history != 0) for batch in both]
    assert of_second == [sorted(map(repr, batch)) for batch in one]


def test_a_brief_case_dies_once_and_goes_on() -> None:
    steps = [type(step) for step in Case(3, (0,), brief=True).steps()]
    assert steps == [Deliver, Run, Deliver, Die, Run]


def test_a_calm_case_has_no_step_that_goes_wrong() -> None:
    assert {type(step) for step in Case(3, (0,), calm=True).steps()} == {Deliver, Run}
    assert any(isinstance(step, Die) for seed in range(9) for step in Case(seed, (0,)).steps())
