"""The rules of a history (slowly changing dimension, type 2), over Arrow tables: no Spark, no input or output.

A change sets all attributes of a key, or deletes it. The history of a key follows from the *set* of its changes:
neither their order of arrival nor their batching nor a repetition plays a part.

1. The changes of a key follow each other by position. Of several at one position a delete counts, or else the last
   one in the order of their content; the others leave nothing behind.
2. Times may come from several clocks, so a change takes effect at the latest time that it or any change before it
   names: a later position is never earlier. Of several changes that take effect at one instant the last one counts;
   the others leave no empty version.
3. A change opens a version when it is the first, when a delete came before it, or when a tracked attribute differs from
   the change before it (null equals null). Otherwise it belongs to the open version.
4. A version starts at its first change and shows the attributes of its last one; it ends where the next version or a
   delete starts. A delete of what does not exist changes nothing.
5. The first version starts when the source says that the key came into being, if that is earlier: nothing else is known
   of the time before.
6. The last version of a key is current, unless a delete ended it: then it is marked deleted.

A change that changes nothing, and a delete of nothing, are facts like others: one that arrives later can make them
matter. So whoever builds histories in steps keeps all changes, and builds the keys anew that a step touches.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from transform.segments import any_differs, differs, following, lasts, lesser, numbered, running_max, running_min
from transform.vectors import FALSE, Vector, column, in_order_of

AT, SINCE, DELETED, POSITION = "event_at", "exists_since", "deleted", "_position"
OF_A_CHANGE = (AT, SINCE, DELETED, POSITION)
STAMPS = ("valid_from", "end_date", "is_current", "is_deleted")


def attributes_of(columns: Sequence[str], key: Sequence[str]) -> list[str]:
    """The columns that say something about a key, in their order."""
    return [name for name in columns if name not in {*key, *OF_A_CHANGE}]


def order_of_changes(columns: Sequence[str], key: Sequence[str]) -> list[str]:
    """The columns that the changes are sorted by; what follows the position settles ties by content alone."""
    return [*key, POSITION, DELETED, AT, *sorted(attributes_of(columns, key)), SINCE]


def in_order(changes: pa.Table, key: Sequence[str]) -> pa.Table:
    """The changes as `versions` needs them."""
    return in_order_of(changes, order_of_changes(changes.column_names, key))


def versions(ordered: pa.Table, key: Sequence[str], tracked: Sequence[str]) -> pa.Table:
    """The versions of every key, by key and time: the key, the attributes and `STAMPS`.

    `ordered` holds the key, the attributes and `OF_A_CHANGE`, all changes of a key, sorted by `order_of_changes`.
    Times and positions may be of any kind that has an order; no column may be a float.
    """
    return _versions(_stretches(_one_per_instant(ordered.combine_chunks(), key), key, tracked), key)


def _one_per_instant(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """The changes that count, with their time in effect for `AT`, and `SINCE` never null and never later."""
    stands = _last_ones(rows, [*key, POSITION])
    at = running_max(column(stands, AT), numbered(any_differs(_columns(stands, key))))
    return _last_ones(_with(stands, {AT: at, SINCE: lesser(column(stands, SINCE), at)}), [*key, AT])


def _last_ones(rows: pa.Table, alike: Sequence[str]) -> pa.Table:
    return rows.filter(lasts(any_differs(_columns(rows, alike))))


def _stretches(rows: pa.Table, key: Sequence[str], tracked: Sequence[str]) -> pa.Table:
    """One row per stretch of neighbours that say the same, a version or a time without the key: its last change.

    `AT` is where it starts, `_first` whether it is the first of its key.
    """
    new_key, deleted = any_differs(_columns(rows, key)), column(rows, DELETED)
    # Two deletes in a row are one absence, whatever attributes they carry.
    other = pc.and_(pc.invert(deleted), any_differs([deleted, *_columns(rows, tracked)]))
    starts = pc.or_(new_key, pc.or_(differs(deleted), other))
    ends = lasts(starts)
    since = running_min(column(rows, SINCE), numbered(starts)).filter(ends)
    at, first = column(rows, AT).filter(starts), new_key.filter(starts)
    begins = pc.if_else(first, lesser(at, since), at)
    return _with(rows.filter(ends), {AT: begins, "_first": first})


def _versions(stretches: pa.Table, key: Sequence[str]) -> pa.Table:
    starts, deleted = column(stretches, AT), column(stretches, DELETED)
    is_last = lasts(column(stretches, "_first"))
    end = pc.if_else(is_last, pa.nulls(1, starts.type)[0], following(starts))
    ended_by_delete = pc.fill_null(pc.and_(following(deleted), following(is_last)), FALSE[0])
    stamps = [starts, end, is_last, pc.and_(pc.invert(is_last), ended_by_delete)]
    names = [*key, *attributes_of(stretches.column_names, [*key, "_first"])]
    stamped = pa.table([*_columns(stretches, names), *stamps], names=[*names, *STAMPS])
    exists: Vector = pc.invert(deleted)
    return stamped.filter(exists)


def _columns(rows: pa.Table, names: Sequence[str]) -> list[Vector]:
    return [column(rows, name) for name in names]


def _with(rows: pa.Table, columns: dict[str, Vector]) -> pa.Table:
    kept: dict[str, Vector] = {name: rows.column(name) for name in rows.column_names}
    return pa.table({**kept, **columns})
