"""Vectors of rows in order, seen as segments of neighbours that belong together. Everything is null-safe and exact.

A segment is told by the flags of its first rows; `numbered` gives its rows a common number. An empty vector has no
segments, and its first row always begins one.
"""

from collections.abc import Callable, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from transform.vectors import FALSE, TRUE, Vector


def differs(column: Vector) -> Vector:
    """Whether each value is another than the one before it; null equals null."""
    now, before = column[1:], column[:-1]
    unequal = pc.fill_null(pc.not_equal(now, before), FALSE[0])
    if column.null_count:
        unequal = pc.or_(unequal, pc.xor(now.is_null(), before.is_null()))
    return pa.concat_arrays([TRUE[: len(column)], unequal])


def any_differs(columns: Sequence[Vector]) -> Vector:
    """Whether any of the columns has another value than in the row before."""
    return reduce(pc.or_, (differs(column) for column in columns))


def numbered(firsts: Vector) -> Vector:
    """The number of each row's segment, from 1."""
    return pc.cumulative_sum(firsts.cast(pa.int64()))


def lasts(firsts: Vector) -> Vector:
    """Whether each row is the last one of its segment."""
    return pa.concat_arrays([firsts[1:], TRUE[: len(firsts)]])


def following(column: Vector) -> Vector:
    """The value of the next row; null in the last one."""
    return pa.concat_arrays([column[1:], pa.nulls(min(1, len(column)), column.type)])


def lesser(one: Vector, other: Vector) -> Vector:
    """The lesser of two values of any kind that has an order; of a value and null the value."""
    return pc.coalesce(pc.if_else(pc.less_equal(one, other), one, other), one, other)


def greater(one: Vector, other: Vector) -> Vector:
    """The greater of two values of any kind that has an order; of a value and null the value."""
    return pc.coalesce(pc.if_else(pc.greater_equal(one, other), one, other), one, other)


def running_max(values: Vector, segment: Vector) -> Vector:
    """The greatest of the values from the start of the segment to each row."""
    return _running(greater, values, segment)


def running_min(values: Vector, segment: Vector) -> Vector:
    """The least of the values from the start of the segment to each row."""
    return _running(lesser, values, segment)


def _running(better: Callable[..., Vector], values: Vector, segment: Vector) -> Vector:
    # Each pass looks twice as far back as the one before, so that the longest segment of n rows takes log2(n) passes.
    reach = 1
    while reach < len(values):
        same = pc.equal(segment[reach:], segment[:-reach])
        if not pc.any(same).as_py():
            break
        earlier = pc.if_else(same, values[:-reach], pa.nulls(1, values.type)[0])
        values = pa.concat_arrays([values[:reach], better(values[reach:], earlier)])
        reach *= 2
    return values
