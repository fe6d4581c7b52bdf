"""Rows that come in batches are taken in tables that part no key, and no more of them is kept than has to be."""

from itertools import groupby

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from transform.versions import whole_keys


def batches(keys: list[int], sizes: list[int]) -> list[pa.RecordBatch]:
    table = pa.table({"key": keys, "row": list(range(len(keys)))})
    cut, start = [], 0
    for size in [*sizes, len(keys)]:
        cut.extend(table.slice(start, size).to_batches())
        start += size
    return cut


@given(st.lists(st.integers(0, 5), max_size=40).map(sorted), st.lists(st.integers(1, 7), max_size=8), st.integers(1, 9))
def test_tables_hold_all_rows_in_order_and_all_rows_of_each_key(keys: list[int], sizes: list[int], rows: int) -> None:
    tables = list(whole_keys(batches(keys, sizes), ["key"], rows))
    assert [row for table in tables for row in table["row"].to_pylist()] == list(range(len(keys)))
    seen = [key for table in tables for key, _ in groupby(table["key"].to_pylist())]
    assert len(seen) == len(set(seen))


def test_a_table_is_given_away_as_soon_as_it_has_enough_rows() -> None:
    taken = []

    def come() -> object:
        for batch in batches([1, 1, 2, 2, 3, 3], [2, 2]):
            taken.append(batch)
            yield batch

    first = next(iter(whole_keys(come(), ["key"], 2)))  # type: ignore[arg-type]
    assert (first["key"].to_pylist(), len(taken)) == ([1, 1], 2)
