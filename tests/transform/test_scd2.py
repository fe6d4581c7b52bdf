"""The rules of histories, case by case and as laws."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from scd2_model import Change, Version
from scd2_model import by_the_rules as history
from scd2_model import history as by_the_model

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return DAY_0 + timedelta(days=number)


def update(number: int, city: str | None, *, position: int | None = None, mood: str = "") -> Change:
    """A change on a day; where no position is given, the log has the days in order."""
    return Change("u", day(number), f"{number if position is None else position:04}", (city, mood))


def delete(number: int, *, position: int | None = None) -> Change:
    return Change("u", day(number), f"{number if position is None else position:04}", (None, ""), deleted=True)


def told(*changes: Change) -> list[tuple[object, int, int | None]]:
    return [
        (
            version.attributes[0],
            (version.valid_from - DAY_0).days,
            (version.end_date - DAY_0).days if version.end_date else None,
        )
        for version in history(changes)
    ]


def test_the_first_change_opens_a_version_that_is_current() -> None:
    assert history([update(1, "Troy")]) == [Version("u", ("Troy", ""), day(1), None, is_current=True, is_deleted=False)]


def test_an_update_closes_the_version_and_opens_the_next() -> None:
    assert told(update(1, "Troy"), update(5, "Rome")) == [("Troy", 1, 5), ("Rome", 5, None)]


def test_an_update_that_changes_nothing_opens_no_version() -> None:
    assert told(update(1, "Troy"), update(3, "Troy")) == [("Troy", 1, None)]


def test_null_equals_null() -> None:
    assert told(update(1, None), update(3, None)) == [(None, 1, None)]


def test_a_later_position_is_never_earlier_whatever_its_clock_says() -> None:
    log = [update(1, "Troy", position=1), update(9, "Rome", position=2), update(5, "Oslo", position=3)]
    assert told(*log) == [("Troy", 1, 9), ("Oslo", 9, None)]


def test_a_key_that_is_deleted_and_made_again_in_one_transaction_exists() -> None:
    # The delete bears the time of the commit, the insert that of the transaction's start.
    log = [update(1, "Troy", position=1), delete(6, position=2), update(5, "Rome", position=3)]
    assert told(*log) == [("Troy", 1, 6), ("Rome", 6, None)]
    assert history(log)[-1].is_current


def test_the_first_version_starts_when_the_source_says_that_the_key_came_into_being() -> None:
    first = replace(update(5, "Troy"), exists_since=day(2))
    later = replace(update(7, "Rome"), exists_since=day(1))
    assert told(first, later) == [("Troy", 2, 7), ("Rome", 7, None)]
    assert told(replace(first, exists_since=day(6))) == [("Troy", 5, None)]
    assert told(delete(4), first) == [("Troy", 5, None)]


def test_a_delete_ends_the_last_version_and_marks_it() -> None:
    [version] = history([update(1, "Troy"), delete(5)])
    assert (version.end_date, version.is_current, version.is_deleted) == (day(5), False, True)


def test_a_delete_that_matches_nothing_adds_nothing() -> None:
    assert told(delete(5)) == []


def test_an_update_after_a_delete_opens_a_version_even_with_the_same_values() -> None:
    versions = history([update(1, "Troy"), delete(5), update(7, "Troy")])
    assert [(v.valid_from, v.end_date, v.is_deleted) for v in versions] == [
        (day(1), day(5), False),
        (day(7), None, False),
    ]


def test_of_changes_at_one_instant_the_highest_position_counts() -> None:
    assert told(update(1, "Troy", position=2), update(1, "Rome", position=1)) == [("Troy", 1, None)]


def test_the_clock_of_a_change_that_lost_its_position_moves_nothing() -> None:
    lost, stands = update(9, "Troy", position=1), delete(2, position=1)
    assert told(lost, stands, update(4, "Rome", position=2)) == [("Rome", 4, None)]


def test_at_one_instant_the_later_position_stands_and_leaves_no_empty_version() -> None:
    assert told(update(1, "Troy"), delete(5, position=6), update(5, "Rome", position=7)) == [
        ("Troy", 1, 5),
        ("Rome", 5, None),
    ]
    assert told(update(1, "Troy"), update(5, "Rome", position=6), delete(5, position=7)) == [("Troy", 1, 5)]


def test_a_change_that_is_not_tracked_opens_no_version_and_shows_its_last_value() -> None:
    versions = history([update(1, "Troy", mood="glad"), update(3, "Troy", mood="sad")], tracked=[0])
    assert [(v.attributes, v.valid_from) for v in versions] == [(("Troy", "sad"), day(1))]


change = st.builds(
    lambda key, number, position, city, deleted, since: Change(
        key,
        day(number),
        f"{position:04}",
        (None if deleted else city, ""),
        deleted,
        None if since is None else day(since),
    ),
    st.sampled_from("ab"),
    st.integers(0, 9),
    st.integers(0, 99),
    st.sampled_from(["Troy", "Rome", None]),
    st.booleans(),
    st.none() | st.integers(0, 9),
)
# A position names one change of a real log, so no two changes share one; `untidy` has logs where they do.
log = st.lists(change, max_size=25, unique_by=lambda c: c.position)
untidy = st.lists(
    st.builds(lambda one, place: replace(one, position=f"{place:04}"), change, st.integers(0, 9)), max_size=25
)


@given(untidy, st.sampled_from([None, [0], [1], []]))
def test_the_rules_say_what_the_model_says(changes: list[Change], tracked: list[int] | None) -> None:
    assert history(changes, tracked) == by_the_model(changes, tracked)


@given(untidy, st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_no_tie(changes: list[Change], random: object) -> None:
    again = [*changes, *changes[::3]]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert history(again) == history(changes)


@given(log, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_gives_the_same_history(changes: list[Change], random: object) -> None:
    again = [*changes, *changes[::2]]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert history(again) == history(changes)


@given(log)
def test_versions_of_a_key_never_overlap_and_are_never_empty(changes: list[Change]) -> None:
    versions = history(changes)
    for before, after in pairwise(versions):
        assert before.key != after.key or (before.end_date is not None and before.end_date <= after.valid_from)
    assert all(version.end_date is None or version.valid_from < version.end_date for version in versions)


@given(log)
def test_a_live_key_has_exactly_one_current_version_and_a_deleted_key_none(changes: list[Change]) -> None:
    versions = history(changes)
    for key in {one.key for one in changes}:
        last = max((one for one in changes if one.key == key), key=lambda one: one.position)
        current = [version for version in versions if version.key == key and version.is_current]
        assert [version.attributes for version in current] == ([] if last.deleted else [last.attributes])


@given(log)
def test_from_each_change_on_the_history_says_what_the_last_change_until_then_said(changes: list[Change]) -> None:
    versions = history(changes)
    for one in changes:
        in_order = sorted((c for c in changes if c.key == one.key), key=lambda c: c.position)
        effective = [max(c.at for c in in_order[: index + 1]) for index in range(len(in_order))]
        moment = effective[in_order.index(one)]
        last = [change for change, at in zip(in_order, effective, strict=True) if at <= moment][-1]
        valid = [v.attributes for v in versions if v.key == one.key and _holds(v, moment)]
        assert valid == ([] if last.deleted else [last.attributes])


def _holds(version: Version, moment: datetime) -> bool:
    return version.valid_from <= moment and (version.end_date is None or moment < version.end_date)
