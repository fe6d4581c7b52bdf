"""Two real shopping days walk through the whole platform, with every part real, and everything adds up."""

from typing import Any

import pytest
from demo_fixture import DemoRun

pytestmark = [pytest.mark.servers, pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture
def report(demo_run: DemoRun) -> dict[str, Any]:
    """What the demo told."""
    return demo_run.report


def test_nothing_that_was_promised_fails_to_hold(report: dict[str, Any]) -> None:
    assert report["failures"] == []


def test_every_hop_conserves_its_rows(report: dict[str, Any]) -> None:
    assert report["conservation"]
    for name, hop in report["conservation"].items():
        assert hop["in"] == hop["out"] + hop["quarantined"], name


def test_the_input_is_the_packages_own(report: dict[str, Any]) -> None:
    assert report["input"]["lines"] > 5_000
    assert report["gold"]["fact_order"]["rows"] >= report["input"]["lines"]


def test_the_dirt_was_there_and_was_kept_apart(report: dict[str, Any]) -> None:
    assert report["bronze"]["quarantine"] > 0
    assert report["inventory"]["duplicates"] > 0


def test_profiles_and_scores_came_out(report: dict[str, Any]) -> None:
    assert report["customer360"]["profiles"] > 1_000
    assert report["fraud"]["scored"] > 0
    assert report["fraud"]["skew_mismatches"] == 0


def test_every_door_answered(report: dict[str, Any]) -> None:
    assert {answer for doors in report["endpoints"].values() for answer in doors.values()} == {"ok"}
