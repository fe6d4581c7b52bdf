"""A part of the lake to compute anew by the rules of today: what was committed in a window, or some keys of a fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transform.spec import Fold


@dataclass(frozen=True)
class Restatement:
    """What the sources committed from `since` until before `until`, and the named keys of folds.

    A key gives as many leading columns of the fold's scope as it has parts: of silver.latest_order_items ("17",) is the
    order, ("17", "2") its second line.
    """

    since: datetime | None = None
    until: datetime | None = None
    keys: Mapping[str, Sequence[tuple[str, ...]]] = field(default_factory=dict)

    def scopes(self, fold: Fold, sources: Sequence[DataFrame], arrived: DataFrame) -> DataFrame | None:
        """The scopes of a fold to compute anew; None when there are none for certain."""
        found = []
        if self.since is not None or self.until is not None:
            found.append(fold.arrive(*(source.where(self._window()) for source in sources)).select(*fold.scope))
        for key in self.keys.get(fold.name, ()):
            named = [F.col(name).cast("string") == F.lit(part) for name, part in zip(fold.scope, key, strict=False)]
            matching = arrived.select(*fold.scope)
            for condition in named:
                matching = matching.where(condition)
            found.append(matching)
        if not found:
            return None
        scopes = found[0]
        for more in found[1:]:
            scopes = scopes.unionByName(more)
        return scopes.distinct()

    def _window(self) -> str:
        conditions = ["true"]
        if self.since is not None:
            conditions.append(f"_committed_at >= timestamp'{self.since.isoformat()}'")
        if self.until is not None:
            conditions.append(f"_committed_at < timestamp'{self.until.isoformat()}'")
        return " AND ".join(conditions)
