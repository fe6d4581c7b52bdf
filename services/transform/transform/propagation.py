"""From what changed to the scopes that have to be rebuilt, and from what was rebuilt to what changed.

Pure: frames in, frames out. `engine.py` knows where they lie.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from transform.columns import all_of
from transform.spec import Difference, Input, Judged, Read, Table

WAS, NOW, COPIES = "was", "now", "_copies"


@dataclass(frozen=True)
class Change:
    """What a run did: to a stored table (a difference), or which scopes of a judged frame it judged anew (keys)."""

    difference: Difference | None = None
    keys: DataFrame | None = None

    @property
    def rows(self) -> DataFrame:
        """Rows that have the columns by which a reader knows its scopes."""
        found = self.keys if self.difference is None else self.difference.rows
        if found is None:
            raise ValueError("a change has a difference or keys")
        return found


def reached(node: Table | Judged, changes: Mapping[str, Change], read: Read) -> DataFrame | None:
    """The scopes of the node that the changes of its inputs reach, each once; None when none of them changed."""
    parts = [_reached_by(node, given, changes[given.name], read) for given in node.reads if given.name in changes]
    found = [part for part in parts if part is not None]
    return reduce(DataFrame.unionByName, found).distinct() if found else None


def _reached_by(node: Table | Judged, given: Input, change: Change, read: Read) -> DataFrame | None:
    located = [node.located] if isinstance(node, Table) and node.located else []
    if given.keys is not None and given.reach is None:
        named = [F.expr(key).alias(column) for key, column in zip(given.keys, node.scope, strict=True)]
        return change.rows.select(*named, *located)
    if given.reach is None or change.difference is None:
        return None
    return given.reach(change.difference, read).select(*node.scope, *located)


def restricted(rows: DataFrame, keys: Sequence[str], scopes: DataFrame, scope: Sequence[str]) -> DataFrame:
    """The rows whose keys (SQL over their columns) are among the scopes; null equals null."""
    named = F.broadcast(scopes.select(*(F.col(name).alias(f"_scope_{n}") for n, name in enumerate(scope))).distinct())
    return rows.join(named, all_of(*(F.expr(f"({key}) <=> _scope_{n}") for n, key in enumerate(keys))), "left_semi")


def compared(old: DataFrame, new: DataFrame, grain: Sequence[str]) -> DataFrame:
    """Where the two differ: the grain, the whole row as it `was` and as it is `now`, null where there is none.

    A row of which there are several `now` is here in any case, with their number in `_copies`.
    """
    before = old.select(*grain, F.struct(*old.columns).alias(WAS))
    copies = F.count(F.lit(1)).over(Window.partitionBy(*grain))
    after = new.select(*grain, F.struct(*old.columns).alias(NOW), copies.alias(COPIES))
    both = before.join(after, list(grain), "full_outer")
    return both.where(~F.col(WAS).eqNullSafe(F.col(NOW)) | (F.col(COPIES) > 1))


def difference(changed: DataFrame) -> Difference:
    """What `compared` found, as the rows taken out and the rows put in."""
    return Difference(
        changed.where(F.col(WAS).isNotNull()).select(f"{WAS}.*"),
        changed.where(F.col(NOW).isNotNull()).select(f"{NOW}.*"),
    )


# More ranges than these cost more to compare with every file than they save; Iceberg looks at each of them per file.
_RANGES_MAX = 50
# Of a text so many bytes are looked at: as many as Iceberg keeps as the bounds of a file (truncate(16)).
_TOLD = 16


def within(column: str, values: Iterable[object]) -> str:
    """SQL that holds of all those values of a column, and of as few others as some fifty ranges allow."""
    # Python sorts texts as UTF-8 does.
    known: list[Any] = sorted({value for value in values if value is not None})
    ranges = [f"{column} BETWEEN {_literal(first)} AND {_literal(last)}" for first, last in _ranges(known)]
    return f"({' OR '.join(ranges)})" if ranges else "false"


def _literal(value: object) -> str:
    if isinstance(value, datetime):
        return f"timestamp'{value.astimezone(UTC).isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"date'{value.isoformat()}'"
    if isinstance(value, str):
        # In hex, since keys come from outside; Spark makes a plain literal of it before it asks Iceberg.
        return f"cast(X'{value.encode().hex()}' AS string)"
    return str(value)


def _ranges(known: list[Any]) -> list[tuple[Any, Any]]:
    """Cut at the widest gaps between values."""
    if not known:
        return []
    at = [_place(value) for value in known] if isinstance(known[0], str) else known
    gaps = sorted(range(1, len(known)), key=lambda n: at[n] - at[n - 1], reverse=True)[: _RANGES_MAX - 1]
    starts = [0, *sorted(gaps)]
    return [(known[start], known[end - 1]) for start, end in zip(starts, [*starts[1:], len(known)], strict=True)]


def _place(text: str) -> int:
    """Where a text lies among all: in the order of UTF-8, which is Spark's, near others that begin alike."""
    return int.from_bytes(text.encode()[:_TOLD].ljust(_TOLD, b"\0"), "big")
