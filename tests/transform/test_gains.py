"""What bronze gained since a release, from metadata alone: no Spark is started."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

import pytest
from bronze_builders import a_label, a_record, at, write_bronze
from pyiceberg.expressions import EqualTo
from pyiceberg.table import Table as IcebergTable
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from transform import bronze, gains
from transform.logic import fingerprint
from transform.release import ReleaseRow
from transform.storage import Lake
from transform.tables import FOLDS, TABLES

LABELS = bronze.FRAUD_LABELS


def _no_spark() -> NoReturn:
    raise AssertionError("Spark was asked for")


@pytest.fixture
def lake(lake_settings: LakeSettings) -> Lake:
    """A lake in which bronze has one label."""
    made = Lake(_no_spark, open_catalog(lake_settings), lake_settings.catalog_name)
    write_bronze(made.catalog, LABELS, [a_record(a_label("1"))])
    return made


def now(lake: Lake) -> dict[str, int]:
    snapshot = lake.current_snapshot(LABELS)
    return {LABELS: snapshot} if snapshot is not None else {}


def released(consumed: Mapping[str, int]) -> ReleaseRow:
    """A release of all tables, by the rules of now, that took in what bronze had."""
    return ReleaseRow("R1", at(), {stored.name: 1 for stored in (*FOLDS, *TABLES)}, consumed, logic=fingerprint())


def stored(lake: Lake) -> IcebergTable:
    return lake.catalog.load_table(LABELS)


def test_the_first_run_is_a_full_one(lake: Lake) -> None:
    assert gains.reason_for_full(lake, None, now(lake)) == "there is no release yet"


def test_there_is_no_reason_when_bronze_only_gained_rows_or_nothing(lake: Lake) -> None:
    last = released(now(lake))
    assert gains.reason_for_full(lake, last, now(lake)) == ""
    write_bronze(lake.catalog, LABELS, [a_record(a_label("2"))])
    write_bronze(lake.catalog, LABELS, [a_record(a_label("3"))])
    assert gains.reason_for_full(lake, last, now(lake)) == ""


def test_a_table_of_bronze_that_comes_later_is_no_reason(lake: Lake) -> None:
    assert gains.reason_for_full(lake, released({}), now(lake)) == ""


def test_other_rules_are_a_reason(lake: Lake) -> None:
    last = replace(released(now(lake)), logic="0" * 16)
    assert gains.reason_for_full(lake, last, now(lake)) == "the rules have changed since the last release"


def test_a_table_that_the_release_does_not_have_is_a_reason(lake: Lake) -> None:
    last = released(now(lake))
    lacking = replace(last, tables={name: 1 for name in last.tables if name != "gold.fact_order"})
    assert gains.reason_for_full(lake, lacking, now(lake)) == "the last release has no gold.fact_order"


def test_a_table_of_bronze_that_is_gone_is_a_reason(lake: Lake) -> None:
    assert gains.reason_for_full(lake, released(now(lake)), {}) == f"{LABELS} is gone"


def test_rows_that_were_taken_out_of_bronze_are_a_reason(lake: Lake) -> None:
    write_bronze(lake.catalog, LABELS, [a_record(a_label("2"), topic="other")])
    last = released(now(lake))
    stored(lake).delete(EqualTo(term="topic", value="other"))
    assert gains.reason_for_full(lake, last, now(lake)) == (
        f"{LABELS} no longer has what came between the last release and now"
    )


def test_a_table_of_bronze_that_was_made_anew_is_a_reason(lake: Lake) -> None:
    last = released(now(lake))
    lake.catalog.drop_table(LABELS)
    write_bronze(lake.catalog, LABELS, [a_record(a_label("2"))])
    assert "no longer has" in gains.reason_for_full(lake, last, now(lake))


def test_a_table_of_bronze_that_went_back_is_a_reason(lake: Lake) -> None:
    before = stored(lake).current_snapshot()
    assert before is not None
    write_bronze(lake.catalog, LABELS, [a_record(a_label("2"))])
    last = released(now(lake))
    with stored(lake).manage_snapshots() as manage:
        manage.set_current_snapshot(before.snapshot_id)
    assert "no longer has" in gains.reason_for_full(lake, last, now(lake))


def test_what_bronze_gained_is_counted_by_its_commits(lake: Lake) -> None:
    before = now(lake)
    assert not gains.gained(lake, before, now(lake))
    write_bronze(lake.catalog, LABELS, [a_record(a_label("2")), a_record(a_label("3"))])
    write_bronze(lake.catalog, LABELS, [a_record(a_label("4"))])
    assert gains.gained(lake, before, now(lake))
    assert gains.gained_rows(stored(lake), before[LABELS]) == 3
    assert gains.gained_rows(stored(lake), None) == 4


def test_a_commit_without_rows_is_no_gain(lake: Lake) -> None:
    before = now(lake)
    write_bronze(lake.catalog, LABELS, [])
    assert now(lake) != before
    assert not gains.gained(lake, before, now(lake))
