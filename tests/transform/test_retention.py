"""Which releases stay readable, and what of silver and gold may go: from rows and numbers alone."""

from datetime import timedelta

import pytest
from bronze_builders import at
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.catalog import Catalog
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.errors import NotFound
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.lake import release as released
from shopsphere_kit.settings import LakeSettings
from transform import release, retention
from transform.errors import Superseded
from transform.release import ReleaseRow
from transform.rollback import returning, rollback

WEEK, DAY = timedelta(days=7), timedelta(days=1)
NOW = at(100)


def a_release(number: int, days: float, *, previous: str | None = None) -> ReleaseRow:
    """A release made on a day, newest tables named by its number."""
    return ReleaseRow(f"R{number}", at(days), {"gold.x": number}, {}, previous=previous)


def ids(rows: list[ReleaseRow]) -> list[str]:
    return [row.release_id for row in rows]


def test_a_release_stays_for_its_time_after_a_newer_one_took_its_place() -> None:
    # R3 is old, but was what readers saw until R4 came six days ago.
    rows = [a_release(5, 99), a_release(4, 94), a_release(3, 50), a_release(2, 40), a_release(1, 30)]
    assert ids(retention.kept(rows, WEEK, NOW)) == ["R5", "R4", "R3"]


def test_the_newest_two_stay_however_old_they_are() -> None:
    rows = [a_release(3, 20), a_release(2, 10), a_release(1, 5)]
    assert ids(retention.kept(rows, WEEK, NOW)) == ["R3", "R2"]
    assert retention.kept([], WEEK, NOW) == []


def test_what_a_rollback_returns_to_stays() -> None:
    rows = [a_release(4, 30, previous="R1"), a_release(3, 20), a_release(2, 10), a_release(1, 5)]
    assert ids(retention.kept(rows, WEEK, NOW)) == ["R4", "R3", "R1"]


def test_a_snapshot_goes_when_nobody_needs_it_and_it_is_too_old_to_be_published() -> None:
    moments = {1: at(90), 2: at(91), 3: at(92), 4: at(99.5)}
    assert retention.expirable(moments, {2}, DAY, NOW) == (1, 3)


@given(st.dictionaries(st.integers(0, 50), st.floats(0, 100)), st.sets(st.integers(0, 50)))
def test_no_needed_and_no_young_snapshot_ever_goes(days: dict[int, float], needed: set[int]) -> None:
    going = retention.expirable({number: at(day) for number, day in days.items()}, needed, DAY, NOW)
    assert not set(going) & needed
    assert all(days[number] <= 99 for number in going)


def test_a_branch_of_a_run_is_left_alone_for_a_day_and_while_it_holds_nothing_of_its_own() -> None:
    moments = {1: at(90), 2: at(98), 3: at(99.5)}
    branches = {"run_dead": 2, "run_young": 3, "run_begun": 1, "audit": 2}
    assert retention.left_behind(branches, moments, {1}, DAY, NOW) == ("run_dead",)


@pytest.fixture
def catalog(lake_settings: LakeSettings) -> Catalog:
    return open_catalog(lake_settings)


def publish(catalog: Catalog, number: int) -> ReleaseRow:
    row = release.new_release(at(number), {"gold.x": number}, {})
    release.append(catalog, row, release.head(catalog))
    return row


def test_a_dropped_release_is_answered_with_the_remedy_and_the_others_can_be_read(catalog: Catalog) -> None:
    first, second, third = (publish(catalog, number) for number in (1, 2, 3))

    dropped = release.drop(catalog, lambda rows: retention.kept(rows, WEEK, at(50)))

    assert dropped == [first.release_id]
    assert ids(release.published(catalog)) == [third.release_id, second.release_id]
    assert released(catalog, second.release_id).snapshots == {"gold.x": 2}
    with pytest.raises(NotFound, match="its time to be read is over; `python -m transform releases` lists"):
        released(catalog, first.release_id)


def test_a_run_publishes_although_releases_were_dropped_since_it_began(catalog: Catalog) -> None:
    for number in (1, 2, 3):
        publish(catalog, number)
    seen = release.head(catalog)
    release.drop(catalog, lambda rows: rows[:2])
    release.append(catalog, release.new_release(at(4), {"gold.x": 4}, {}), seen)
    assert len(release.published(catalog)) == 3


def test_nobody_returns_to_a_release_that_is_dropped_meanwhile(catalog: Catalog) -> None:
    first, _, third = (publish(catalog, number) for number in (1, 2, 3))
    back = returning(release.published(catalog), first.release_id, at(4))
    release.drop(catalog, lambda rows: rows[:2])
    with pytest.raises(Superseded, match="was dropped"):
        release.append(catalog, back, third.release_id)


def test_rolling_back_after_old_releases_were_dropped_returns_to_the_one_before(catalog: Catalog) -> None:
    for number in (1, 2, 3):
        publish(catalog, number)
    release.drop(catalog, lambda rows: retention.kept(rows, WEEK, at(50)))
    assert rollback(catalog, ManualClock(at(51))).tables == {"gold.x": 2}
