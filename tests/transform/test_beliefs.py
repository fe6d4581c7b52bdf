"""What was believed when: every day's beliefs are the history of the facts recorded until that day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from scd2_model import NAMES, Change, Version, as_table, as_version, history
from transform import scd2
from transform.beliefs import beliefs
from transform.vectors import in_order_of

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)
Recorded = tuple[Change, datetime]


def day(number: int) -> datetime:
    return DAY_0 + timedelta(days=number)


def said(number: int, city: str, recorded: int, *, deleted: bool = False) -> Recorded:
    return Change("u", day(number), f"{number:04}", (None if deleted else city, ""), deleted), day(recorded)


def believed(recorded: list[Recorded]) -> list[dict[str, Any]]:
    table = as_table([change for change, _ in recorded])
    when = pa.array([moment for _, moment in recorded], pa.timestamp("us", tz="UTC"))
    ordered = in_order_of(
        table.append_column("recorded_at", when), [*scd2.order_of_changes(table.column_names, ["key"])]
    )
    rows: list[dict[str, Any]] = beliefs(ordered, ["key"], NAMES).to_pylist()
    return rows


def told(recorded: list[Recorded]) -> list[tuple[object, ...]]:
    times = ("valid_from", "end_date", "recorded_at", "superseded_at")
    return [
        (row["city"], *((row[name] - DAY_0).days if row[name] else None for name in times))
        for row in sorted(believed(recorded), key=lambda row: (row["recorded_at"], row["valid_from"]))
    ]


def at(rows: list[dict[str, Any]], moment: datetime) -> list[Version]:
    """The query of the README."""
    held = [
        r for r in rows if r["recorded_at"] <= moment and (r["superseded_at"] is None or r["superseded_at"] > moment)
    ]
    return sorted(map(as_version, held), key=lambda one: (one.key, one.valid_from))


def test_a_change_that_comes_in_time_closes_the_belief_that_the_version_is_open() -> None:
    assert told([said(1, "Troy", 1), said(5, "Rome", 5)]) == [
        ("Troy", 1, None, 1, 5),
        ("Troy", 1, 5, 5, None),
        ("Rome", 5, None, 5, None),
    ]


def test_a_late_change_alters_what_we_believe_and_not_what_we_believed() -> None:
    assert told([said(1, "Troy", 1), said(5, "Rome", 5), said(3, "Oslo", 9)]) == [
        ("Troy", 1, None, 1, 5),
        ("Troy", 1, 5, 5, 9),
        ("Rome", 5, None, 5, None),
        ("Troy", 1, 3, 9, None),
        ("Oslo", 3, 5, 9, None),
    ]


def test_a_belief_that_comes_back_is_told_of_twice() -> None:
    deleted = said(9, "", 2, deleted=True)
    undone = replace(said(9, "Troy", 3)[0], position="0010"), day(3)
    assert told([said(1, "Troy", 1), deleted, undone]) == [
        ("Troy", 1, None, 1, 2),
        ("Troy", 1, 9, 2, 3),
        ("Troy", 1, None, 3, None),
    ]


def test_a_fact_recorded_twice_was_known_since_the_first_time() -> None:
    assert told([said(1, "Troy", 4), said(1, "Troy", 2)]) == [("Troy", 1, None, 2, None)]


def test_a_fact_that_alters_nothing_leaves_the_belief_as_it_is() -> None:
    assert told([said(1, "Troy", 1), said(3, "Troy", 3), said(5, "Troy", 5)]) == [("Troy", 1, None, 1, None)]


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
    st.integers(0, 5),
    st.integers(0, 12),
    st.sampled_from(["Troy", "Rome", None]),
    st.booleans(),
    st.none() | st.integers(0, 5),
)


@given(st.lists(st.tuples(change, st.integers(0, 6).map(day)), max_size=14))
def test_on_every_day_the_beliefs_are_the_history_of_what_was_recorded_until_then(recorded: list[Recorded]) -> None:
    rows = believed(recorded)
    for moment in map(day, range(-1, 8)):
        assert at(rows, moment) == history(change for change, when in recorded if when <= moment)
    names = [(row["key"], row["valid_from"], row["recorded_at"]) for row in rows]
    assert len(set(names)) == len(names)


@given(st.lists(st.tuples(change, st.integers(0, 6).map(day)), max_size=14), st.randoms(use_true_random=False))
def test_beliefs_follow_from_the_facts_and_when_they_were_recorded_alone(
    recorded: list[Recorded], random: object
) -> None:
    again = [*recorded, *recorded[::2]]
    random.shuffle(again)  # type: ignore[attr-defined]
    assert believed(again) == believed(recorded)


def test_nothing_recorded_is_nothing_believed() -> None:
    assert believed([]) == []
