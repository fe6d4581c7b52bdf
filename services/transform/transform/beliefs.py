"""What was believed when (system time): the histories that the facts gave at each moment one of them was recorded.

A belief is a version as the facts recorded until then gave it. It holds from `recorded_at` until `superseded_at`, when
a fact was recorded that made it another; that is null while it holds. Both are times of bronze, so that a rebuild tells
the same. The beliefs at a moment are the rows with `recorded_at` until then and no `superseded_at` until then.

The rules of `scd2.py` are applied to each key once per moment at which something about it was recorded. A key of n
facts recorded at m moments takes n × m rows on the way; a user is told of a few times.
"""

from array import array
from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from transform import scd2
from transform.segments import any_differs, differs, following, lasts, numbered, running_min
from transform.vectors import Vector, column, in_order_of, integers

RECORDED, SUPERSEDED = "recorded_at", "superseded_at"
_MOMENT = "_moment"


def beliefs(ordered: pa.Table, key: Sequence[str], tracked: Sequence[str]) -> pa.Table:
    """All beliefs about every key: the columns of `scd2.versions`, `recorded_at` and `superseded_at`.

    `ordered` is what `scd2.versions` takes, with the column `recorded_at`.
    """
    facts = _once(ordered.combine_chunks())
    of_key = numbered(any_differs([column(facts, name) for name in key]))
    moments = _moments(of_key, column(facts, RECORDED))
    known = _known_at(facts, of_key, moments).drop_columns([RECORDED])
    return _spans(scd2.versions(known, [_MOMENT, *key], tracked), moments)


def _once(rows: pa.Table) -> pa.Table:
    """Each fact once, as it was first recorded."""
    said = [name for name in rows.column_names if name != RECORDED]
    firsts = any_differs([column(rows, name) for name in said])
    recorded, ends = running_min(column(rows, RECORDED), numbered(firsts)), lasts(firsts)
    return rows.drop_columns([RECORDED]).append_column(RECORDED, recorded).filter(ends)


def _moments(of_key: Vector, recorded: Vector) -> pa.Table:
    """Each key with each time that something about it was recorded, in order."""
    pairs = in_order_of(pa.table({"of_key": of_key, RECORDED: recorded}), ["of_key", RECORDED])
    return pairs.filter(any_differs([column(pairs, name) for name in pairs.column_names]))


def _known_at(facts: pa.Table, of_key: Vector, moments: pa.Table) -> pa.Table:
    """For each moment the facts about its key that were recorded until then, in their order."""
    rows, places, moment = _rows_by_key(of_key), array("q"), array("q")
    keys: list[int] = pc.subtract(column(moments, "of_key"), integers([1])[0]).to_pylist()
    for number, key in enumerate(keys):
        places.extend(rows[key])
        moment.extend([number] * len(rows[key]))
    of_moment = integers(moment)
    at = column(moments, RECORDED).take(of_moment)
    repeated = facts.take(integers(places)).add_column(0, _MOMENT, of_moment)
    return repeated.filter(pc.less_equal(column(repeated, RECORDED), at))


def _rows_by_key(of_key: Vector) -> list[range]:
    starts = [row for row, first in enumerate(differs(of_key).to_pylist()) if first]
    return [range(start, end) for start, end in pairwise([*starts, len(of_key)])]


def _spans(versions: pa.Table, moments: pa.Table) -> pa.Table:
    """Versions that are the same at neighbouring moments are one belief."""
    said = [name for name in versions.column_names if name != _MOMENT]
    rows = in_order_of(versions, [*said, _MOMENT])
    moment = column(rows, _MOMENT)
    # Minus its row number a moment stays the same for as long as moments follow each other without a gap.
    step = pc.subtract(moment, integers(range(len(rows))))
    starts = any_differs([*(column(rows, name) for name in said), step])
    recorded = column(moments, RECORDED).take(moment.filter(starts))
    superseded = _next_of_key(moments).take(moment.filter(lasts(starts)))
    held = rows.filter(starts).drop_columns([_MOMENT])
    return held.append_column(RECORDED, recorded).append_column(SUPERSEDED, superseded)


def _next_of_key(moments: pa.Table) -> Vector:
    """The time of the next moment of the same key, or null."""
    recorded = column(moments, RECORDED)
    is_last = lasts(differs(column(moments, "of_key")))
    return pc.if_else(is_last, pa.nulls(1, recorded.type)[0], following(recorded))
