"""The laws of a history, on events nobody chose: order, batches, repetition and crashes play no part in it."""

import json
from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby, pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from transform.events import Columns, Fact, in_batches, read
from transform.exact_json import canonical
from transform.history import History

COLUMNS = Columns(("id",), "seq", "batch")
values = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, 1, 1.0, -0.0, 2**53 + 1, "1", "Troy"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
numbers = st.integers(0, 9) | st.sampled_from([1.5, 2**53, 2**53 + 1])
moments = st.sampled_from(["2026-03-01", "2026-03-01T00:00Z", "2026-03-01T01:00:00+02:00", "2026-03-02T00:00:00.5Z"])
tracks = st.sampled_from([None, ("city",), ("city", "mood"), ("nothing",)])
randoms = st.randoms(use_true_random=False)


def of(sequences: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    about = st.fixed_dictionaries(
        {"id": st.sampled_from([1, 1.0, "1", 2, True]), "seq": sequences, "_op": st.sampled_from("uuuudd")},
        optional={"city": values, "mood": values, "batch": st.none() | st.integers(0, 3)},
    )
    truncate = st.fixed_dictionaries({"seq": sequences, "_op": st.just("t")})
    return st.lists(st.one_of(about, about, about, about, about, truncate), max_size=20)


logs = of(numbers) | of(moments)


def facts(events: Iterable[dict[str, Any]]) -> list[Fact]:
    delivered, rejected = read(map(json.dumps, events), COLUMNS)
    assert rejected == []
    return [one.fact for one in delivered]


def after(batches: Iterable[Iterable[Fact]], tracked: tuple[str, ...] | None = None) -> list[dict[str, str]]:
    history = History(COLUMNS.key, tracked)
    for batch in batches:
        history.apply(batch)
    return list(history.rows())


def read_back(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{name: json.loads(text, parse_float=Decimal) for name, text in row.items()} for row in rows]


@given(logs, tracks, randoms)
def test_any_order_gives_the_same_history(events: list[dict[str, Any]], tracked: Any, random: Random) -> None:
    shuffled = random.sample(events, len(events))
    assert after([facts(shuffled)], tracked) == after([facts(events)], tracked)


@given(logs, tracks)
def test_any_batches_give_the_history_of_the_whole(events: list[dict[str, Any]], tracked: Any) -> None:
    delivered, _ = read(map(json.dumps, events), COLUMNS)
    whole = [one.fact for one in delivered]
    assert after(in_batches(delivered), tracked) == after([whole], tracked)
    assert after([[fact] for fact in whole], tracked) == after([whole], tracked)


@given(logs, tracks, randoms)
def test_a_replay_changes_nothing(events: list[dict[str, Any]], tracked: Any, random: Random) -> None:
    whole = facts(events)
    again = random.sample(whole, len(whole) // 2)
    assert after([whole, again, whole], tracked) == after([whole], tracked)


@given(logs, tracks, st.integers(0, 20))
def test_a_batch_that_was_applied_by_half_is_applied_again(
    events: list[dict[str, Any]], tracked: Any, crash: int
) -> None:
    batches = in_batches(read(map(json.dumps, events), COLUMNS)[0])
    interrupted = [part for batch in batches for part in (batch[: crash % (len(batch) + 1)], batch)]
    assert after(interrupted, tracked) == after(batches, tracked)


@given(of(numbers), tracks)
def test_versions_neither_overlap_nor_leave_a_gap_that_no_delete_made(
    events: list[dict[str, Any]], tracked: Any
) -> None:
    known = facts(events)
    emptied = max((fact.at.value for fact in known if fact.op == "t"), default=-1)
    for key, of_key in groupby(read_back(after([known], tracked)), key=lambda row: canonical(row["id"])):
        deletes = {fact.at.value for fact in known if fact.op == "d" and fact.key == (key,)}
        versions = list(of_key)
        assert all(one["end_date"] is None or one["valid_from"] < one["end_date"] for one in versions)
        for before, following in pairwise(versions):
            assert before["end_date"] <= following["valid_from"]
            assert before["end_date"] == following["valid_from"] or before["end_date"] in deletes
        assert versions[0]["valid_from"] >= emptied


@given(logs, tracks)
def test_a_live_key_has_one_current_version_that_says_what_was_said_last(
    events: list[dict[str, Any]], tracked: Any
) -> None:
    known = facts(events)
    emptied = [fact.at.value for fact in known if fact.op == "t"]
    rows = after([known], tracked)
    for key in {fact.key for fact in known if fact.key}:
        standing = [f for f in known if f.key == key and all(f.at.value >= void for void in emptied)]
        last = [f for f in standing if f.at.value == max(one.at.value for one in standing)]
        live = bool(last) and not any(fact.op == "d" for fact in last)
        current = [row for row in rows if (row["id"],) == key and row["is_current"] == "true"]
        assert len(current) == live
        assert all(row["end_date"] == "null" for row in current)
        said = [
            {name: text for name, text in row.items() if name in ("city", "mood") and text != "null"} for row in current
        ]
        assert all(one in [dict(fact.attributes) for fact in last] for one in said)


@given(of(numbers))
def test_at_each_sequence_the_history_says_what_the_last_event_until_then_said(events: list[dict[str, Any]]) -> None:
    known = [fact for fact in facts(events) if fact.op != "t"]
    rows = after([known])
    for fact in known:
        at = [one for one in known if one.key == fact.key and one.at.value == fact.at.value]
        valid = [row for row in rows if (row["id"],) == fact.key and holds(row, fact.at.value)]
        assert len(valid) == (not any(one.op == "d" for one in at))
        said = [{name: row.get(name, "null") for name in ("city", "mood")} for row in valid]
        assert all(one in [{"city": "null", "mood": "null", **dict(f.attributes)} for f in at] for one in said)


def holds(row: dict[str, str], place: object) -> bool:
    start, end = Decimal(row["valid_from"]), row["end_date"]
    return start <= place and (end == "null" or place < Decimal(end))  # type: ignore[operator]
