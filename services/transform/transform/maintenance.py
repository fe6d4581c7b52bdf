"""Keeps the whole lake fit while ingest, runs and readers use it, and ends the time of old releases.

Bronze is an append-only log: its snapshots expire by age and number, but not those that the next run will read, from
the one that the newest release took in on. When they are older than Limits.snapshot_age they go all the same, and the
next run rebuilds in full. Of silver and gold exactly those snapshots stay that a release names which can still be read
(`retention.py`). What is merged there becomes a release of its own with the same rows (`compaction.py`), so that
readers see one release at any time and the next run builds on the merged files.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from functools import partial

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import Table
from shopsphere_kit.clock import Clock
from shopsphere_kit.lake import BRONZE, GOLD, SILVER
from shopsphere_kit.logging import get_logger

from transform import compaction, release, retention
from transform.storage import Lake
from transform.table_state import is_released, state_for
from transform.table_work import Outcome, Work
from transform.upkeep import Limits, State, plan

log = get_logger(__name__)


@dataclass
class Report:
    """What a maintenance run did; `left` is what its time was not enough for."""

    tables: dict[str, Outcome] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    releases_dropped: list[str] = field(default_factory=list)
    release: str | None = None
    """The release that names what was merged in silver and gold."""
    seconds: float = 0.0

    @property
    def failures(self) -> dict[str, str]:
        """Why tables were left as they were."""
        return {name: done.failure for name, done in self.tables.items() if done.failure}

    def as_json(self) -> dict[str, object]:
        """The report as plain values."""
        return asdict(self)


def maintain(
    catalog: Catalog,
    spark: Callable[[], AbstractContextManager[Lake]],
    limits: Limits,
    clock: Clock,
    seconds: float | None = None,
) -> Report:
    """Do what is due on every table, the neediest first; Spark starts only when something is.

    The table that passes `seconds` is the last one.
    """
    start = time.monotonic()
    dropped = release.drop(catalog, lambda rows: retention.kept(rows, limits.release_age, clock.now()))
    upkeep = _Upkeep(catalog, limits, clock, None if seconds is None else start + seconds)
    upkeep.report.releases_dropped = dropped
    if due := upkeep.due():
        release.settle(catalog)
        with spark() as lake:
            merged = upkeep.work_off(lake, due)
        row = compaction.publish(catalog, merged, clock)
        upkeep.report.release = row.release_id if row else None
    upkeep.report.seconds = round(time.monotonic() - start, 2)
    return upkeep.report


@dataclass
class _Upkeep:
    """One maintenance run."""

    catalog: Catalog
    limits: Limits
    clock: Clock
    deadline: float | None
    report: Report = field(default_factory=Report)

    def __post_init__(self) -> None:
        # Read once: a release that is published from here on names young snapshots, or those of one that is kept.
        self._releases = release.published(self.catalog)

    def due(self) -> list[str]:
        """The tables that need something, the neediest first; all are in the report."""
        needy = []
        for name in self._tables():
            try:
                state = self._look(name, self.catalog.load_table(name))
            except NoSuchTableError:
                continue
            figures = state.figures(self.limits.file_bytes)
            self.report.tables[name] = Outcome(figures, figures)
            if not plan(state, self.limits, self.clock.now()).is_idle:
                needy.append((-state.surplus(self.limits.file_bytes), name))
        log.info("tables looked over", tables=len(self.report.tables), due=len(needy))
        return [name for _, name in sorted(needy)]

    def work_off(self, lake: Lake, names: list[str]) -> list[str]:
        """Work on the tables until the time is over; those of releases whose files or manifests were merged."""
        for done, name in enumerate(names):
            # One table at least, or a run that is always short of time would never get anywhere.
            if done and self.deadline is not None and time.monotonic() > self.deadline:
                self.report.left = names[done:]
                log.warning("time is over", left=self.report.left)
                break
            start, outcome = time.monotonic(), self.report.tables[name]
            Work(lake, name, partial(self._look, name), self.limits, self.clock, outcome).do()
            outcome.seconds = round(time.monotonic() - start, 2)
            log.info("table done", table=name, **asdict(outcome))
        figures = self.report.tables
        return [n for n in names if is_released(n) and figures[n].files_rewritten + figures[n].manifests_rewritten]

    def _tables(self) -> list[str]:
        spaces = [space for space in (BRONZE, SILVER, GOLD) if self.catalog.namespace_exists(space)]
        return sorted(".".join(identifier) for space in spaces for identifier in self.catalog.list_tables(space))

    def _look(self, name: str, table: Table) -> State:
        return state_for(name, table, self._releases, self.limits, self.clock.now())
