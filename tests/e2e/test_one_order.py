"""Two real shopping days walk through the whole platform, with every part real, and everything adds up."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from shopsphere_local.ports import free_port_base
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State

pytestmark = [pytest.mark.servers, pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a two-day demo in a folder whose name has a space."""
    root = tmp_path_factory.mktemp("a state")
    cache = State(LocalSettings().state_dir).cache
    cache.mkdir(parents=True, exist_ok=True)
    (root / "cache").symlink_to(cache)
    file = root / "report.json"
    command = [sys.executable, "-m", "shopsphere_local", "demo", "--days", "2", "--once", "--report", str(file)]
    result = subprocess.run(
        [*command, "--port-base", str(free_port_base())],
        env={**os.environ, "SHOPSPHERE_STATE_DIR": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    found: dict[str, Any] = json.loads(file.read_text())
    return found


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
