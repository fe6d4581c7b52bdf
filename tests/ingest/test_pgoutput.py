"""The decoder, on messages built by hand from the protocol's description."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest import pgoutput
from ingest.errors import UndecodableMessage
from ingest.pgoutput import Begin, Column, Commit, Ignored, Relation, Truncate
from ingest_builders import a_begin, a_commit, a_relation

SECOND = 1_000_000


def test_begin_and_commit_carry_positions_and_time() -> None:
    assert pgoutput.decode(a_begin(0x16_B374D848, SECOND)) == Begin(0x16B374D848, SECOND, 7)
    assert pgoutput.decode(a_commit(10, 24, 0)) == Commit(10, 24)


def test_a_relation_names_its_columns() -> None:
    data = a_relation(16385, "orders", ("order_id", 20), ("größe", 1700), modifiers=[-1, 786438])
    assert pgoutput.decode(data) == Relation(
        16385, "public", "orders", "f", (Column("order_id", 20, -1, True), Column("größe", 1700, 786438, True))
    )


def test_a_truncate_names_all_its_tables() -> None:
    data = b"T" + (2).to_bytes(4, "big") + b"\0" + (5).to_bytes(4, "big") + (6).to_bytes(4, "big")
    assert pgoutput.decode(data) == Truncate((5, 6))


@pytest.mark.parametrize("kind", ["O", "Y", "M"])
def test_messages_without_rows_are_passed_over(kind: str) -> None:
    assert pgoutput.decode(kind.encode() + b"anything") == Ignored(kind)


@pytest.mark.parametrize("data", [b"", b"?", b"B\0", b"R\0\0\0\1no-end"])
def test_damaged_messages_are_refused(data: bytes) -> None:
    with pytest.raises(UndecodableMessage):
        pgoutput.decode(data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder_otherwise(data: bytes) -> None:
    with contextlib.suppress(UndecodableMessage):
        pgoutput.decode(data)
