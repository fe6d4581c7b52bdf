"""Histories on Spark: the rules of `scd2.py`, applied to the rows of whole keys as they come out of Spark's sort.

Memory is that of a few batches of rows, or of the largest key when that is more.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.types import BooleanType, StructField, StructType

from transform import beliefs as rules_of_beliefs
from transform import scd2
from transform.beliefs import RECORDED, SUPERSEDED
from transform.declared import SAME, declare
from transform.scd2 import AT, STAMPS
from transform.segments import any_differs
from transform.vectors import TRUE

__all__ = ["RECORDED", "STAMPS", "SUPERSEDED", "beliefs", "versions", "whole_keys"]

# The attributes of a version are those of a change; which change it is follows from all of them.
declare(
    "of_partition",
    SAME,
    valid_from=("event_at", "exists_since"),
    end_date=("event_at",),
    is_current=("event_at",),
    is_deleted=("deleted",),
    superseded_at=("recorded_at",),
)
# A pass over Arrow columns costs the same hundred calls whether it has ten rows or ten thousand.
_ROWS = 50_000


def versions(changes: DataFrame, key: tuple[str, ...], tracked: tuple[str, ...]) -> DataFrame:
    """The versions of every key.

    `changes` has the key, all attributes, `event_at`, `exists_since`, `_position` and `deleted`. The result has the
    key, the attributes and `STAMPS`. Changes in attributes that are not tracked open no version.
    """
    ordered = _by_key(changes, key, scd2.order_of_changes(changes.columns, key))
    return _each(ordered, key, _schema(changes, key), lambda whole: scd2.versions(whole, key, tracked))


def beliefs(changes: DataFrame, key: tuple[str, ...], tracked: tuple[str, ...]) -> DataFrame:
    """What was believed of every key, and when: as `versions`, of changes with a column `recorded_at`.

    The result has that column too, and `superseded_at`.
    """
    said = [name for name in changes.columns if name != RECORDED]
    ordered = _by_key(changes, key, [*scd2.order_of_changes(said, key), RECORDED])
    schema = _schema(changes.select(*said), key).add(changes.schema[RECORDED])
    return _each(
        ordered,
        key,
        schema.add(SUPERSEDED, changes.schema[RECORDED].dataType),
        lambda whole: rules_of_beliefs.beliefs(whole, key, tracked),
    )


def _by_key(changes: DataFrame, key: Sequence[str], order: Sequence[str]) -> DataFrame:
    return changes.repartition(*key).sortWithinPartitions(*order)


def _each(
    ordered: DataFrame, key: Sequence[str], schema: StructType, work: Callable[[pa.Table], pa.Table]
) -> DataFrame:
    def of_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for whole in whole_keys(batches, key, _ROWS):
            yield from work(whole).select(schema.names).to_batches()

    return ordered.mapInArrow(of_partition, schema)


def whole_keys(batches: Iterable[pa.RecordBatch], key: Sequence[str], rows: int) -> Iterator[pa.Table]:
    """The sorted rows again, in tables of about so many rows that never part the rows of a key."""
    waiting: list[pa.RecordBatch] = []
    wanted = rows
    for batch in batches:
        waiting.append(batch)
        if sum(len(one) for one in waiting) >= wanted:
            complete, rest = _parted(pa.Table.from_batches(waiting), key)
            waiting = rest.to_batches()
            # A key with more rows than that is not looked through again for each of its batches.
            wanted = max(rows, 2 * len(rest))
            if len(complete):
                yield complete
    if any(len(one) for one in waiting):
        yield pa.Table.from_batches(waiting)


def _parted(table: pa.Table, key: Sequence[str]) -> tuple[pa.Table, pa.Table]:
    """The rows of all keys but the last, which may go on, and the rows of the last."""
    firsts = any_differs([pa.concat_arrays(table.column(name).chunks) for name in key])
    last = len(table) - 1 - pc.index(firsts[::-1], TRUE[0]).as_py()
    return table.slice(0, last), table.slice(last)


def _schema(changes: DataFrame, key: Sequence[str]) -> StructType:
    kinds = changes.schema
    said = [kinds[name] for name in (*key, *scd2.attributes_of(changes.columns, key))]
    times = [StructField(name, kinds[AT].dataType) for name in STAMPS[:2]]
    return StructType([*said, *times, *(StructField(name, BooleanType()) for name in STAMPS[2:])])
