"""Arrow columns made of their buffers, and tables in order.

`pyarrow.array` would load pandas first, which takes longer than all of a small history.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Vector = Any  # a pyarrow Array; the stubs tell kinds of arrays apart that these functions treat alike


def integers(values: Iterable[int]) -> Vector:
    """A column of 64-bit integers without nulls."""
    numbers = array("q", values)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def booleans(values: Iterable[bool]) -> Vector:
    """A column of booleans without nulls."""
    return integers(map(int, values)).cast(pa.bool_())


def texts(values: Sequence[str | None]) -> Vector:
    """A column of strings; None is null."""
    encoded = [(value or "").encode() for value in values]
    ends = array("q", accumulate(map(len, encoded), initial=0))
    present = booleans(value is not None for value in values).buffers()[1]
    return pa.Array.from_buffers(
        pa.large_string(), len(values), [present, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    )


def in_order_of(rows: pa.Table, names: Iterable[str]) -> pa.Table:
    """The rows sorted by these columns, nulls first."""
    by: Any = [(name, "ascending", "at_start") for name in names]  # the stubs know no place of nulls yet
    return rows.take(pc.sort_indices(rows, sort_keys=by))


def column(rows: pa.Table, name: str) -> Vector:
    """A column of a table in one piece."""
    return rows.column(name).combine_chunks()


TRUE = booleans([True])
FALSE = booleans([False])
