"""Row messages decoded together, on bytes built by hand from the protocol's description."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest.errors import UndecodableMessage
from ingest.row_messages import RowMessages, Tuples, decode
from ingest_builders import a_delete, an_insert, an_update

TEXTS = st.none() | st.text(st.characters(exclude_characters="\0…", codec="utf-8"), max_size=20)
ROWS = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=20)


def values(tuples: Tuples, columns: int = 2) -> list[tuple[object, ...]]:
    return list(zip(*(tuples.column(place).to_pylist() for place in range(columns)), strict=True))


def test_values_are_text_null_or_not_sent() -> None:
    decoded = decode([an_insert(1, "a", None), an_update(1, (), ("a", "…")), an_insert(1, "", "b")], 2)
    assert values(decoded.rows) == [(b"a", None), (b"a", None), (b"", b"b")]
    assert decoded.rows.unchanged(1).tolist() == [False, True, False]


def test_an_update_says_whether_the_old_row_is_whole() -> None:
    decoded = decode([an_update(1, ("a", "b"), ("a", "c")), an_update(1, ("a", None), ("d", "c"), b"K")], 2)
    assert values(decoded.rows) == [(b"a", b"c"), (b"d", b"c")]
    assert values(decoded.old) == [(b"a", b"b"), (b"a", None)]
    assert decoded.old_is_whole.tolist() == [True, False]


def test_a_delete_carries_the_old_row() -> None:
    decoded = decode([a_delete(1, "a", "b"), a_delete(1, "a", None, kind=b"K")], 2)
    assert values(decoded.rows) == [(b"a", b"b"), (b"a", None)]


def test_old_rows_stand_beside_their_updates_alone() -> None:
    messages = [an_insert(1, "1", "x"), an_update(1, ("1", "x"), ("1", "y")), an_update(1, (), ("1", "z"))]
    decoded = decode([*messages, an_update(1, ("1", "z"), ("2", "z"))], 2)
    assert decoded.has_old.tolist() == [False, True, False, True]
    assert decoded.old_place[decoded.has_old].tolist() == [0, 1]


@pytest.mark.parametrize(
    "message",
    [
        b"I\0\0\0\1X\0\1n",
        b"I\0\0\0\1N\0\1t\0\0\0\x09abc",
        b"I\0\0\0\1N\0\1z",
        b"I\0\0\0\1N\0\2nn",
        b"I\0\0\0\1N",
        b"I\0\0\0\1N\0\1nmore",
        b"D\0\0\0\1N\0\1n",
        b"U\0\0\0\1O\0\1nX\0\1n",
        b"U\0\0",
    ],
)
def test_damaged_messages_are_refused(message: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        decode([an_insert(1, "a"), message, an_insert(1, "b")], 1)


@settings(deadline=None)
@given(ROWS, st.lists(st.sampled_from("IUD"), min_size=20, max_size=20), ROWS)
def test_every_row_comes_back_as_it_was_sent(
    rows: list[tuple[str | None, ...]], kinds: list[str], olds: list[tuple[str | None, ...]]
) -> None:
    make = {"I": lambda row, _: an_insert(9, *row), "D": lambda row, _: a_delete(9, *row)}
    make["U"] = lambda row, old: an_update(9, old, row)
    pairs = [(kind, row, olds[place % len(olds)]) for place, (row, kind) in enumerate(zip(rows, kinds, strict=False))]
    decoded: RowMessages = decode([make[kind](row, old) for kind, row, old in pairs], 3)
    assert values(decoded.rows, 3) == [tuple(map(_bytes, row)) for _, row, _ in pairs]
    assert values(decoded.old, 3) == [tuple(map(_bytes, old)) for kind, _, old in pairs if kind == "U"]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"I", b"U", b"D"]), min_size=1), st.data())
def test_no_bytes_break_the_decoder_otherwise(types: list[bytes], data: st.DataObject) -> None:
    messages = [one + data.draw(st.binary(max_size=40)) for one in types]
    with contextlib.suppress(UndecodableMessage):
        decode(messages, 2)
