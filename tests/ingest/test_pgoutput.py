"""The decoder, on messages built by hand from the protocol's description."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest import pgoutput
from ingest.errors import UndecodableMessage
from ingest.pgoutput import UNCHANGED, Begin, Column, Commit, Delete, Ignored, Insert, Relation, Truncate, Update
from ingest_builders import a_begin, a_commit, a_delete, a_relation, a_tuple, an_insert, an_update

SECOND = 1_000_000


def test_begin_and_commit_carry_positions_and_time() -> None:
    assert pgoutput.decode(a_begin(0x16_B374D848, SECOND)) == Begin(
        0x16B374D848, datetime(2000, 1, 1, 0, 0, 1, tzinfo=UTC), 7
    )
    assert pgoutput.decode(a_commit(10, 24, 0)) == Commit(10, 24, datetime(2000, 1, 1, tzinfo=UTC))


def test_a_relation_names_its_columns() -> None:
    data = a_relation(16385, "orders", ("order_id", 20), ("größe", 1700), modifiers=[-1, 786438])
    assert pgoutput.decode(data) == Relation(
        16385, "public", "orders", "f", (Column("order_id", 20, -1, True), Column("größe", 1700, 786438, True))
    )


def test_values_are_text_null_or_not_sent() -> None:
    assert pgoutput.decode(an_insert(1, "a", None, "")) == Insert(1, (b"a", None, b""))
    assert pgoutput.decode(an_update(1, (), ("a", "…"))) == Update(1, None, (b"a", UNCHANGED))


def test_an_update_says_whether_the_old_row_is_whole() -> None:
    assert pgoutput.decode(an_update(1, ("a", "b"), ("a", "c"))) == Update(1, (b"a", b"b"), (b"a", b"c"), True)
    assert pgoutput.decode(an_update(1, ("a", None), ("d", "c"), b"K")) == Update(1, (b"a", None), (b"d", b"c"), False)


def test_a_delete_carries_the_old_row() -> None:
    assert pgoutput.decode(a_delete(1, "a", "b")) == Delete(1, (b"a", b"b"))
    assert pgoutput.decode(a_delete(1, "a", None, kind=b"K")) == Delete(1, (b"a", None))


def test_a_truncate_names_all_its_tables() -> None:
    data = b"T" + (2).to_bytes(4, "big") + b"\0" + (5).to_bytes(4, "big") + (6).to_bytes(4, "big")
    assert pgoutput.decode(data) == Truncate((5, 6))


@pytest.mark.parametrize("kind", ["O", "Y", "M"])
def test_messages_without_rows_are_passed_over(kind: str) -> None:
    assert pgoutput.decode(kind.encode() + b"anything") == Ignored(kind)


@pytest.mark.parametrize(
    "data", [b"", b"?", b"B\0", b"I\0\0\0\1X", b"I\0\0\0\1N\0\1t\0\0\0\x09abc", b"R\0\0\0\1no-end"]
)
def test_damaged_messages_are_refused(data: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        pgoutput.decode(data)


@settings(deadline=None)
@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0…", codec="utf-8"))))
def test_every_row_comes_back_as_it_was_sent(values: list[str | None]) -> None:
    decoded = pgoutput.decode(b"I" + (9).to_bytes(4, "big") + b"N" + a_tuple(*values))
    assert decoded == Insert(9, tuple(None if value is None else value.encode() for value in values))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder_otherwise(data: bytes) -> None:
    with contextlib.suppress(UndecodableMessage):
        pgoutput.decode(data)
