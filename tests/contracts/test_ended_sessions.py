"""What a memory of signed-out sessions must do, in memory and in files alike."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from customer360.ended_sessions import EndedSessions, FileEndedSessions, InMemoryEndedSessions

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(params=["in memory", "files"])
def ended(request: pytest.FixtureRequest, tmp_path: Path) -> EndedSessions:
    return InMemoryEndedSessions() if request.param == "in memory" else FileEndedSessions(tmp_path / "signed out")


def test_what_was_signed_out_is_remembered(ended: EndedSessions) -> None:
    for _ in range(2):
        ended.add("one", NOW + HOUR)
    assert (ended.holds("one"), ended.holds("another")) == (True, False)


def test_an_id_is_forgotten_with_its_cookie(ended: EndedSessions) -> None:
    ended.add("short", NOW + HOUR)
    ended.add("long", NOW + 2 * HOUR)
    ended.sweep(NOW + HOUR)
    assert (ended.holds("short"), ended.holds("long")) == (False, True)


def test_files_outlast_the_process_and_leave_nothing_behind(tmp_path: Path) -> None:
    FileEndedSessions(tmp_path).add("one", NOW + HOUR)
    another_process = FileEndedSessions(tmp_path)
    assert another_process.holds("one")
    another_process.sweep(NOW + HOUR)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_half_written_goes_after_a_day(tmp_path: Path) -> None:
    ended, half = FileEndedSessions(tmp_path), tmp_path / "one.0a0a.new"
    half.write_text("{")
    os.utime(half, (NOW.timestamp(), NOW.timestamp()))
    ended.sweep(NOW + 23 * HOUR)
    assert half.exists()
    ended.sweep(NOW + 25 * HOUR)
    assert not half.exists()
