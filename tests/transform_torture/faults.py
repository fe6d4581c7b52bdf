"""A lake whose every change passes points, at one of which a run can be made to die or to wait for another run."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyiceberg.catalog import Catalog
from pyspark.sql import DataFrame
from shopsphere_kit.lake import RELEASES
from transform.spec import Stored
from transform.storage import Lake

# Before and after: a table is made ready on the branch of the run, rows are written to it, the row of gold.releases is
# appended, main is moved or a branch is dropped.
PREPARING, PREPARED, WRITING, WRITTEN = "preparing", "prepared", "writing", "written"
PUBLISHING, PUBLISHED, SETTLING, SETTLED = "publishing", "published", "settling", "settled"
# The release is one commit among dozens, and the one that matters most.
POINTS = (PREPARING, PREPARED, WRITING, WRITING, WRITTEN, WRITTEN, PUBLISHING, PUBLISHED, SETTLING, SETTLED)
_ONCE = (PUBLISHING, PUBLISHED)


class DiedError(Exception):
    """The run is dead."""


@dataclass
class Passes:
    """Counts passes, acts at one of them, and lets nothing pass once the run is dead; tables pass in threads."""

    told: Counter[str] = field(default_factory=Counter)
    """At which points something was done."""

    def __post_init__(self) -> None:
        self._counting = threading.Lock()
        self._point, self._left, self._dead = "", 0, False
        self._act: Callable[[], None] | None = None

    def expect(self, point: str, nth: int, act: Callable[[], None]) -> None:
        """Act at the n-th pass of a point from now on."""
        self._point, self._left, self._act, self._dead = point, 1 if point in _ONCE else nth, act, False

    def die(self) -> None:
        """What to do where a run dies."""
        self._dead = True

    def revive(self) -> None:
        """A new process: nothing is awaited, and everything passes."""
        self._act, self._dead = None, False

    def __call__(self, point: str) -> None:
        """A pass."""
        with self._counting:
            self._left -= point == self._point
            due = self._act if point == self._point and self._left == 0 else None
            if due is not None:
                self._act = None
                self.told[f"{due.__name__} {point}"] += 1
        if due is not None:
            due()
        if self._dead:
            raise DiedError(point)


@dataclass(frozen=True)
class FaultyLake(Lake):
    """The lake, each of whose changes passes a point before and after."""

    at: Passes = field(kw_only=True)

    def prepare(self, table: Stored, branch: str, base: int | None) -> None:
        """See Lake."""
        self.at(PREPARING)
        super().prepare(table, branch, base)
        self.at(PREPARED)

    def replace(self, table: Stored, branch: str, rows: DataFrame) -> int:
        """See Lake."""
        self.at(WRITING)
        snapshot = super().replace(table, branch, rows)
        self.at(WRITTEN)
        return snapshot

    def append(self, table: Stored, branch: str, rows: DataFrame) -> int:
        """See Lake."""
        self.at(WRITING)
        snapshot = super().append(table, branch, rows)
        self.at(WRITTEN)
        return snapshot

    def take_out(self, table: Stored, branch: str, grains: DataFrame, located: str) -> int:
        """See Lake."""
        self.at(WRITING)
        snapshot = super().take_out(table, branch, grains, located)
        self.at(WRITTEN)
        return snapshot


def stand_before(catalog: Catalog, at: Passes) -> Catalog:
    """Let every commit of the catalog pass a point before and after; tables that it loads go through it too."""
    commit = catalog.commit_table

    def passing(table: Any, *arguments: Any, **named: Any) -> Any:
        of_releases = ".".join(table.name()) == RELEASES
        at(PUBLISHING if of_releases else SETTLING)
        answer = commit(table, *arguments, **named)
        at(PUBLISHED if of_releases else SETTLED)
        return answer

    catalog.commit_table = passing  # type: ignore[method-assign]
    return catalog
