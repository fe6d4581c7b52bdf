"""The rules of a history, each by a small table of events; `python -m transform history` answers the same."""

import json
from typing import Any

import pytest
from transform.events import Columns, in_batches, read
from transform.history import History

COLUMNS = Columns(("id",), "seq", "batch")


def event(seq: object, city: object = None, *, op: str = "u", key: object = 1, **more: object) -> dict[str, Any]:
    given = {"id": key, "seq": seq, "_op": op, **more}
    return given if op != "u" else {**given, "city": city}


def delete(seq: object, *, key: object = 1) -> dict[str, Any]:
    return event(seq, op="d", key=key)


def rows(events: list[dict[str, Any]], tracked: list[str] | None = None) -> list[dict[str, Any]]:
    delivered, rejected = read(map(json.dumps, events), COLUMNS)
    assert rejected == []
    history = History(COLUMNS.key, tracked)
    for batch in in_batches(delivered):
        history.apply(batch)
    return [{name: json.loads(text) for name, text in row.items()} for row in history.rows()]


def told(*events: dict[str, Any], tracked: list[str] | None = None) -> list[tuple[object, ...]]:
    return [(row.get("city"), row["valid_from"], row["end_date"]) for row in rows(list(events), tracked)]


def test_the_first_event_opens_a_version_that_is_current() -> None:
    assert rows([event(1, "Troy")]) == [
        {"id": 1, "city": "Troy", "valid_from": 1, "end_date": None, "is_current": True}
    ]


def test_an_update_closes_the_version_and_opens_the_next() -> None:
    assert told(event(1, "Troy"), event(5, "Rome")) == [("Troy", 1, 5), ("Rome", 5, None)]


def test_a_change_that_is_not_tracked_opens_no_version() -> None:
    events = [event(1, "Troy", mood="glad"), event(3, "Troy", mood="sad")]
    assert [(row["mood"], row["valid_from"], row["end_date"]) for row in rows(events, ["city"])] == [("sad", 1, None)]


def test_a_version_shows_the_values_of_its_last_event_by_sequence_also_when_it_is_closed() -> None:
    events = [event(5, "Rome", mood="new"), event(3, "Troy", mood="last"), event(1, "Troy", mood="first")]
    late = event(2, "Troy", mood="late")
    for arrived in ([*events, late], [late, *events], [{**one, "batch": n} for n, one in enumerate([*events, late])]):
        assert [(row["mood"], row["valid_from"]) for row in rows(arrived, ["city"])] == [("last", 1), ("new", 5)]


def test_null_equals_null_and_an_attribute_that_is_not_there_is_null() -> None:
    assert told(event(1, None), event(3, None), {"id": 1, "seq": 4}) == [(None, 1, None)]


def test_an_event_that_changed_nothing_matters_when_one_arrives_between() -> None:
    unchanged = [event(1, "Troy"), event(7, "Troy")]
    assert told(*unchanged) == [("Troy", 1, None)]
    assert told(*unchanged, event(4, "Rome", batch=2)) == [("Troy", 1, 4), ("Rome", 4, 7), ("Troy", 7, None)]


def test_a_delete_that_matched_nothing_matters_when_an_earlier_event_arrives() -> None:
    assert told(delete(5)) == []
    assert told(delete(5), event(1, "Troy", batch=2)) == [("Troy", 1, 5)]


def test_a_second_delete_matters_when_an_insert_arrives_between() -> None:
    twice = [event(1, "Troy"), delete(3), delete(7)]
    assert told(*twice) == [("Troy", 1, 3)]
    assert told(*twice, event(5, "Troy", batch=2)) == [("Troy", 1, 3), ("Troy", 5, 7)]


def test_a_late_update_splits_an_interval() -> None:
    before = [event(1, "Troy"), event(9, "Rome")]
    assert told(*before, event(5, "Oslo", batch=2)) == [("Troy", 1, 5), ("Oslo", 5, 9), ("Rome", 9, None)]


def test_a_late_delete_shortens_an_interval() -> None:
    assert told(event(1, "Troy"), event(9, "Rome"), {**delete(5), "batch": 2}) == [("Troy", 1, 5), ("Rome", 9, None)]


def test_a_delete_that_arrives_before_its_insert_ends_it() -> None:
    assert told(delete(5), event(1, "Troy", batch=2)) == [("Troy", 1, 5)]


def test_an_update_after_a_delete_opens_a_version_even_with_the_same_values() -> None:
    assert told(event(1, "Troy"), delete(5), event(7, "Troy")) == [("Troy", 1, 5), ("Troy", 7, None)]


def test_at_one_sequence_a_delete_wins_and_leaves_no_empty_interval() -> None:
    assert told(event(1, "Troy"), event(5, "Rome"), delete(5)) == [("Troy", 1, 5)]
    assert told(event(5, "Rome"), delete(5)) == []
    assert told(delete(5), event(5, "Rome", batch=2), event(7, "Rome")) == [("Rome", 7, None)]


@pytest.mark.parametrize(
    "values", [["Troy", "Rome"], [1, "1"], [True, 1], [None, 0], [[1, 2], {"a": 1}], [1.5, 2**60, "x", None, False, {}]]
)
def test_at_one_sequence_one_content_stands_whatever_arrives_first_and_together(values: list[object]) -> None:
    events = [event(5, value) for value in values]
    expected = told(*events)
    assert len(expected) == 1
    assert told(*reversed(events)) == expected
    for first in (1, -1):
        assert told(*({**one, "batch": first * number} for number, one in enumerate(events))) == expected


def test_redelivery_changes_nothing() -> None:
    events = [event(1, "Troy"), delete(4), event(5, "Rome")]
    assert told(*events, *({**one, "batch": 2} for one in events)) == told(*events)


def test_a_truncate_voids_what_has_a_lower_sequence_whenever_it_arrives() -> None:
    log = [event(1, "Troy"), event(6, "Rome"), event(2, "Oslo", key=2)]
    emptied = {"seq": 5, "_op": "t", "batch": 2}
    assert told(*log, emptied) == [("Rome", 6, None)]
    assert told(emptied, *({**one, "batch": 3} for one in log)) == [("Rome", 6, None)]
    assert told(*log, emptied, {"seq": 3, "_op": "t", "batch": 4}) == [("Rome", 6, None)]


def test_a_batch_builds_anew_only_the_keys_that_it_touches() -> None:
    history = History(("id",))
    first, _ = read(map(json.dumps, [event(1, "Troy"), event(1, "Rome", key=2)]), COLUMNS)
    history.apply(one.fact for one in first)
    more, _ = read(map(json.dumps, [event(1, "Troy"), event(5, "Oslo", key=2)]), COLUMNS)
    assert history.apply(one.fact for one in more) == {("2",)}


def test_numbers_are_compared_by_value_and_are_not_booleans() -> None:
    assert told(event(1, 1), event(2, 1.0)) == [(1, 1, None)]
    assert told(event(1, 1), event(2, True)) == [(1, 1, 2), (True, 2, None)]
    assert told(event(1, 2**53), event(2, 2**53 + 1)) == [(2**53, 1, 2), (2**53 + 1, 2, None)]


def test_objects_are_compared_without_the_order_of_their_members() -> None:
    assert told(event(1, {"a": 1, "b": [None, 2]}), event(2, {"b": [None, 2.0], "a": 1})) == [
        ({"a": 1, "b": [None, 2]}, 1, None)
    ]


def test_versions_are_sorted_by_key_and_numbers_come_before_texts() -> None:
    keys = ["b", 10, "a", 9, "10"]
    assert [row["id"] for row in rows([event(1, "Troy", key=key) for key in keys])] == [9, 10, "10", "a", "b"]


def test_large_sequences_stay_exact_and_fractions_keep_their_digits() -> None:
    big = 2**53
    assert told(event(big + 1, "Rome"), event(big, "Troy")) == [("Troy", big, big + 1), ("Rome", big + 1, None)]
    delivered, _ = read(['{"id": 1, "seq": 1.50}'], COLUMNS)
    history = History(("id",))
    history.apply(one.fact for one in delivered)
    assert [row["valid_from"] for row in history.rows()] == ["1.50"]


def test_timestamps_compare_as_moments_and_are_spelled_as_they_came() -> None:
    noon, later = "2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00.000000001Z"
    assert told(event(later, "Rome"), event(noon, "Troy")) == [("Troy", noon, later), ("Rome", later, None)]
    assert told(event("2026-03-01", "Troy"), {**delete("2026-03-01 00:00:00Z")}) == []


def test_of_two_spellings_of_a_moment_the_set_decides_and_not_the_order() -> None:
    events = [event("2026-03-01T12:00:00+02:00", "Troy"), event("2026-03-01T10:00:00Z", "Troy")]
    assert told(*events) == told(*reversed(events)) == [("Troy", "2026-03-01T10:00:00Z", None)]
