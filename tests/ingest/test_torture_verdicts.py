"""The judges of the torture suites: they find what is lost, twice or wrong, and nothing else."""

from pathlib import Path

import pytest
from ingest.iceberg_commit import Plan, commit
from ingest.sink import IcebergSink, append
from ingest_builders import TABLE, a_batch, bronze_tables
from ingest_torture import lake_verdict
from ingest_torture.chains import Event, exact, looked_up
from ingest_torture.fold import UNKNOWN, Change, differences, fold, unchanged_names
from ingest_torture.lake_verdict import a_lake
from ingest_torture.values import beyond_bronze
from ingest_torture.workload import Workload
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.lake import open_catalog


def events(text: str) -> list[Event]:
    """ "c1 u2 d-" as events; "!" after the operation is quarantine."""
    return [Event(one[0], None if one.endswith("-") else one[-1], "!" in one) for one in text.split()]


def a_change(
    op: str, position: str, key: int = 1, unchanged: str = "", reason: str | None = None, **values: object
) -> Change:
    return Change(op, position, (key,), values, unchanged_names(unchanged), reason)


@pytest.mark.parametrize("found", ["c1 u2 u3 d3", "r1 u2 u3 d3", "r3 d3", ""])
def test_any_cut_between_copy_and_stream_is_right(found: str) -> None:
    assert exact(events("c1 u2 u3 d3"), events(found)) is None


@pytest.mark.parametrize(
    "found", ["r1 u3 d3", "r2 u2 u3 d3", "r1 r1 u2 u3 d3", "r1 u2 u3 d3 d3", "r3", "c1 u2 u3", "r1 u2 u3! d3"]
)
def test_a_gap_an_overlap_and_a_change_of_its_own_are_found(found: str) -> None:
    assert exact(events("c1 u2 u3 d3"), events(found)) is not None


def test_what_a_killed_copy_left_in_quarantine_is_no_second_row() -> None:
    assert exact(events("c!1 u!2 u!3"), events("r!1 r!2 u!3")) is None
    assert exact(events("c!1 u!2 u!3"), events("r!1 r!1 u!3")) is not None


@pytest.mark.parametrize("found", ["c1 u3 u3 d-", "r2 u3 d-", "u2 u- d-", "r1 u2 u3 d-"])
def test_a_document_may_be_looked_up_later(found: str) -> None:
    assert looked_up(events("c1 u2 u3 d-"), events(found)) is None


@pytest.mark.parametrize("found", ["c2 u3 u3 d-", "r1 u3 d-", "r3 u2 d-", "r3 r3 d-", "c1 u2 u2 d-", "r1"])
def test_a_document_that_was_not_there_then_is_found(found: str) -> None:
    assert looked_up(events("c1 u2 u3 d-"), events(found)) is not None


def test_folding_follows_deletes_truncates_and_changed_keys() -> None:
    changes = [
        a_change("r", "0/0", 1, a=1, b="kept"),
        a_change("u", "1/0", 1, unchanged="b", a=2, b=None),
        a_change("d", "2/0", 1),
        a_change("c", "2/1", 2, unchanged='["b"]', a=2, b=None),
        a_change("c", "3/0", 3, a=3, b=None),
    ]
    assert fold(changes).rows == {(2,): {"a": 2, "b": "kept"}, (3,): {"a": 3, "b": None}}
    assert fold([*changes, a_change("t", "4/0")]).rows == {}


def test_a_key_that_ends_in_quarantine_is_accounted_for_and_no_other_is() -> None:
    changes = [
        a_change("c", "1/0", 1, a=1),
        a_change("u", "2/0", 1, reason="value_out_of_range"),
        a_change("d", "3/0", 2, reason="value_out_of_range"),
    ]
    folded = fold(changes)
    assert differences(folded, {(1,): {"a": 9}}, "t") == []
    assert len(differences(folded, {(2,): {"a": 9}, (3,): {"a": 9}}, "t")) == 3


def test_a_value_that_only_quarantine_has_is_not_guessed_and_one_that_nobody_has_is_wrong() -> None:
    quarantined = [a_change("c", "1/0", reason="value_out_of_range"), a_change("u", "2/0", unchanged="a", a=None, b=2)]
    assert fold(quarantined).rows == {(1,): {"a": UNKNOWN, "b": 2}}
    assert differences(fold(quarantined[1:]), {(1,): {"a": None, "b": 2}}, "t") != []


def test_one_seed_tells_one_story() -> None:
    def story() -> list[object]:
        workload = Workload(7)
        return [*workload.beginning(), *workload.story(40)]

    assert story() == story()


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("numeric(12,3)", "NaN"),
        ("date", "-infinity"),
        ("date", "0044-03-15 BC"),
        ("timestamp", "294276-12-31 23:59:59"),
    ],
)
def test_only_values_at_a_limit_may_be_in_quarantine(declared: str, text: str) -> None:
    assert beyond_bronze(declared, text)
    assert not beyond_bronze(declared, "2024-01-01" if declared != "numeric(12,3)" else "1.500")


def test_a_file_and_a_position_that_are_there_twice_are_found(tmp_path: Path) -> None:
    lake = a_lake(tmp_path)
    catalog = open_catalog(lake)
    append(IcebergSink(bronze_tables(lake), SystemClock()), a_batch("ab"), expected=None, position="two")
    assert lake_verdict.problems(lake) == []
    (file,) = [task.file for task in catalog.load_table(f"bronze.{TABLE}").scan().plan_files()]
    commit(catalog, f"bronze.{TABLE}", lambda _: Plan([file]))
    found = lake_verdict.problems(lake)
    assert [trouble.split(":")[1].strip() for trouble in found] == [
        "file added twice", "file live twice", "position twice", "position twice",
    ]  # fmt: skip
