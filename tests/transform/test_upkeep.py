"""What maintenance decides is due, from numbers alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shopsphere_kit.file_sizes import files_allowed
from transform.upkeep import SNAPSHOTS_MIN, Limits, Plan, State, plan

NOW = datetime(2024, 5, 17, 12, tzinfo=UTC)
MIB = 2**20
LIMITS = Limits(snapshots_max=20)
SWEPT = NOW - timedelta(hours=1)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def commits(number: int, *, first: timedelta) -> list[datetime]:
    """As many snapshots, a second apart, from so long ago on."""
    return [NOW - first + timedelta(seconds=second) for second in range(number)]


def test_an_empty_table_that_was_swept_needs_nothing() -> None:
    assert plan(State(swept_at=SWEPT), LIMITS, NOW).is_idle


@pytest.mark.parametrize(
    ("sizes", "compact"),
    [
        ([], False),
        ([1], False),
        ([1, 1], True),
        ([64 * MIB, 1], False),
        ([64 * MIB, 1, 1], True),
        ([40 * MIB, 40 * MIB], False),
        ([200 * MIB] * 3, False),
    ],
)
def test_a_partition_may_have_a_file_per_64_mib_and_one_for_the_rest(sizes: list[int], compact: bool) -> None:
    state = State(files={"calm": [MIB], "day": sizes}, swept_at=SWEPT)
    assert plan(state, LIMITS, NOW) == Plan(compact, rewrite_manifests=False, expire_before=None, sweep=False)
    assert state.surplus(LIMITS.file_bytes) == max(0, len(sizes) - files_allowed(sum(sizes), LIMITS.file_bytes))


def test_many_manifests_are_rewritten() -> None:
    assert plan(State(manifests=21, swept_at=SWEPT), LIMITS, NOW).rewrite_manifests
    assert not plan(State(manifests=20, swept_at=SWEPT), LIMITS, NOW).rewrite_manifests


@pytest.mark.parametrize(("swept_at", "due"), [(None, True), (ago(hours=23.9), False), (ago(hours=24), True)])
def test_a_table_is_swept_once_a_day(swept_at: datetime | None, due: bool) -> None:
    assert plan(State(swept_at=swept_at), LIMITS, NOW).sweep is due


def test_snapshots_go_after_their_days() -> None:
    old = commits(5, first=timedelta(days=8))
    young = commits(SNAPSHOTS_MIN, first=timedelta(days=2))
    assert plan(State(snapshots=[*old, *young]), LIMITS, NOW).expire_before == ago(days=7)


def test_the_last_snapshots_stay_however_old() -> None:
    assert plan(State(snapshots=commits(SNAPSHOTS_MIN, first=timedelta(days=80))), LIMITS, NOW).expire_before is None


def test_what_a_branch_or_tag_names_is_no_reason_to_expire() -> None:
    old, young = [ago(days=8)], commits(SNAPSHOTS_MIN, first=timedelta(days=2))
    assert plan(State(snapshots=[*old, *young], named_snapshots=old), LIMITS, NOW).expire_before is None


def test_of_more_snapshots_than_allowed_three_quarters_stay() -> None:
    snapshots = commits(25, first=timedelta(hours=2))
    assert plan(State(snapshots=snapshots), LIMITS, NOW).expire_before == snapshots[10]


def test_a_snapshot_that_a_run_may_be_reading_stays_however_many_there_are() -> None:
    snapshots = [*commits(3, first=timedelta(hours=2)), *commits(500, first=timedelta(minutes=20))]
    assert plan(State(snapshots=snapshots), LIMITS, NOW).expire_before == ago(minutes=30)
    assert plan(State(snapshots=snapshots[3:]), LIMITS, NOW).expire_before is None


def test_snapshots_that_the_next_run_will_read_stay_however_many_there_are() -> None:
    snapshots = commits(60, first=timedelta(hours=2))
    taken_in = State(snapshots=snapshots, needed_from=snapshots[4])
    assert plan(taken_in, LIMITS, NOW).expire_before == snapshots[4]
    assert plan(State(snapshots=snapshots, needed_from=snapshots[55]), LIMITS, NOW).expire_before == snapshots[45]


def test_what_a_run_has_taken_in_may_go_at_once() -> None:
    snapshots = commits(60, first=timedelta(minutes=5))
    state = State(snapshots=snapshots, needed_from=snapshots[-1])
    assert plan(state, LIMITS, NOW).expire_before == snapshots[45]


def test_snapshots_that_no_run_ever_takes_in_go_after_their_days_or_when_they_are_far_too_many() -> None:
    old = [ago(days=9), *commits(SNAPSHOTS_MIN, first=timedelta(days=2))]
    assert plan(State(snapshots=old, needed_from=old[0]), LIMITS, NOW).expire_before == ago(days=7)
    many = commits(201, first=timedelta(hours=2))
    assert plan(State(snapshots=many, needed_from=many[0]), LIMITS, NOW).expire_before == many[186]


def test_snapshots_of_silver_and_gold_go_one_by_one_and_never_by_age() -> None:
    snapshots = commits(60, first=timedelta(days=80))
    due = plan(State(snapshots=snapshots, swept_at=SWEPT, unneeded=[7, 8]), LIMITS, NOW)
    assert (due.expire_before, due.expire, due.is_idle) == (None, (7, 8), False)
    assert plan(State(snapshots=snapshots, swept_at=SWEPT, unneeded=[]), LIMITS, NOW).is_idle
    assert not plan(State(swept_at=SWEPT, unneeded=[], left_branches=["run_1"]), LIMITS, NOW).is_idle


@given(st.lists(st.floats(0, 20 * 86400), max_size=60))
def test_no_young_snapshot_and_none_of_the_last_ever_expires(ages: list[float]) -> None:
    snapshots = [NOW - timedelta(seconds=age) for age in ages]
    before = plan(State(snapshots=snapshots), LIMITS, NOW).expire_before
    if before is not None:
        assert before <= NOW - LIMITS.snapshot_age_min
        assert min(snapshots) < before
