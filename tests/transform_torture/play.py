"""A case carried out on a lake: rows arrive, runs go to their end, die, overlap; then the verdict."""

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bronze_builders import Row, write_bronze
from pyspark.sql import SparkSession
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import Release, latest_release, open_catalog
from shopsphere_kit.settings import LakeSettings
from transform import jobs, maintenance, rollback
from transform.errors import NoRelease, Superseded
from transform.storage import Lake
from transform.upkeep import Limits
from transform_torture.delivery import Delivery
from transform_torture.faults import DiedError, FaultyLake, Passes, stand_before
from transform_torture.killed import killed_run
from transform_torture.plan import Case, Deliver, Die, Kill, Maintain, Overlap, Rollback, Run, Step

# Between two things that happen; a release is dropped an hour after a newer one took its place, so some are.
_PAUSE = timedelta(minutes=25)
LIMITS = Limits(release_age=timedelta(hours=1), unpublished_age=timedelta(hours=1))
Session = Callable[[LakeSettings], SparkSession]


def fill(lake: Lake, deliveries: list[Delivery]) -> None:
    """Append rows to bronze, table by table, in their order."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for one in deliveries:
        rows[one.table].append(one.row)
    for table, of_table in rows.items():
        write_bronze(lake.catalog, table, of_table)


@dataclass
class Play:
    """One lake, as a run that can die sees it, and as the world outside of that run does."""

    settings: LakeSettings
    session: Session
    told: Counter[str] = field(default_factory=Counter)
    """What happened, how often."""
    tell: Callable[[str], None] = lambda _: None
    runs: int = 0

    def __post_init__(self) -> None:
        self._passes = Passes(self.told)
        self._clock = ManualClock(datetime.now(UTC))
        self._lake, self._other = self._opened(), self.opened()
        faulty = stand_before(open_catalog(self.settings), self._passes)
        self._lake = FaultyLake(self._lake.session, faulty, self._lake.name, at=self._passes)

    def opened(self) -> Lake:
        """The lake without faults, in a session of its own."""
        return self._opened()

    def _opened(self) -> Lake:
        own = self.session(self.settings)
        return Lake(lambda: own, open_catalog(self.settings), self.settings.catalog_name)

    def carry_out(self, case: Case) -> None:
        """All steps of the case."""
        batches = case.batches_of_rows()
        for step in case.steps():
            self._clock.advance(_PAUSE)
            self.tell(str(step))
            self._do(step, batches)
            self._passes.revive()

    def _do(self, step: Step, batches: list[list[Delivery]]) -> None:
        match step:
            case Deliver(batch):
                fill(self._other, batches[batch])
            case Run():
                self.run(self._lake)
            case Die(point, nth):
                self._passes.expect(point, nth, self._passes.die)
                with suppress(DiedError):
                    self.run(self._lake)
            case Overlap(point, nth):
                self._overlap(point, nth)
            case Kill(commits):
                self.told["killed -9" if killed_run(self.settings, commits) else "ended before it was killed"] += 1
            case Rollback():
                self._roll_back()
            case Maintain(seconds):
                self._maintain(seconds)

    def run(self, lake: Lake, *, full: bool = False) -> jobs.Run:
        """One run."""
        self.runs += 1
        return jobs.run(lake, self._clock, full=full)

    def _overlap(self, point: str, nth: int) -> None:
        def overlap() -> None:
            self.run(self._other)

        self._passes.expect(point, nth, overlap)
        try:
            self.run(self._lake)
        except Superseded:
            self.told["superseded"] += 1

    def _roll_back(self) -> None:
        with suppress(NoRelease):
            rollback.rollback(self._other.catalog, self._clock)
            self.told["rolled back"] += 1

    def _maintain(self, seconds: float) -> None:
        done = maintenance.maintain(
            self._other.catalog, lambda: nullcontext(self._other), LIMITS, self._clock, seconds=seconds
        )
        if done.failures:
            raise AssertionError(f"maintenance left tables as they were: {done.failures}")
        self.told["maintained"] += 1

    def newest(self) -> Release:
        """The newest release."""
        found = latest_release(self._other.catalog)
        if found is None:
            raise AssertionError("nothing was published")
        return found

    def hashes(self) -> dict[str, str]:
        """The content hash of every table of the newest release."""
        return jobs.hashes(self._other, self.newest())
