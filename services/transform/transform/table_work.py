"""The work on one table: drop what runs left, expire snapshots, merge files and manifests, sweep orphans.

Each step is one or more commits of Iceberg that take effect only on the state they were made for. Between two commits
of ingest there is little time, so such a commit is tried many times over; ingest for its part looks at the table again
and finds its position where it left it. Every step may be repeated, so whatever fails is done again on the table as it
is then.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from py4j.protocol import Py4JError
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, RESTError
from pyiceberg.table import Table
from pyspark.errors import PySparkException
from pyspark.sql import Row
from shopsphere_kit.clock import Clock
from shopsphere_kit.lake import RELEASES
from shopsphere_kit.logging import get_logger
from sqlalchemy.exc import DBAPIError

from transform.errors import CompactionIncomplete
from transform.storage import Lake, without_footer_statistics
from transform.table_state import SWEPT_PROPERTY
from transform.upkeep import SNAPSHOTS_MIN, Limits, Plan, State, plan

# Ingest commits about every second. At a second between tries at the most, this is over a minute; Iceberg's own four
# tries lose against a writer that is quicker than they are.
_PATIENCE = {
    "commit.retry.num-retries": "100",
    "commit.retry.min-wait-ms": "20",
    "commit.retry.max-wait-ms": "1000",
}
_ATTEMPTS_MAX = 3
# Merged files compress better, so they come out smaller than planned, and may have to be merged once more.
_PASSES_MAX = 4
# What is merged in one go, and lost when the process ends meanwhile.
_TARGETS_PER_GROUP = 16
_TROUBLES = (Py4JError, PySparkException, CommitFailedException, CompactionIncomplete, RESTError, DBAPIError, OSError)
# Snapshots that are named one by one expire; by age none does.
_NEVER = datetime(1970, 1, 2, tzinfo=UTC)

log = get_logger(__name__)


@dataclass
class Outcome:
    """What was done to a table, in numbers; `failure` when it had to be left as it was."""

    before: dict[str, int]
    after: dict[str, int]
    files_rewritten: int = 0
    manifests_rewritten: int = 0
    branches_dropped: int = 0
    orphans_removed: int = 0
    seconds: float = 0.0
    failure: str | None = None


@dataclass
class Work:
    """The work on one table; `look` says how it stands now."""

    lake: Lake
    name: str
    look: Callable[[Table], State]
    limits: Limits
    clock: Clock
    outcome: Outcome

    def do(self) -> None:
        """Do what is due; what goes wrong stands in the outcome."""
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            try:
                self._steps(plan(self._state(), self.limits, self.clock.now()))
                self.outcome.after = self._state().figures(self.limits.file_bytes)
            except NoSuchTableError:
                log.info("table was dropped", table=self.name)
            except _TROUBLES as error:
                self.outcome.failure = _first_line(error)
                log.warning("table was not kept up", table=self.name, attempt=attempt, error=self.outcome.failure)
                continue
            self.outcome.failure = None
            return

    def _steps(self, due: Plan) -> None:
        # A release is appended only onto what was looked at, so its table must not be patient.
        patience = {} if self.name == RELEASES else _PATIENCE
        self._set_missing(patience | without_footer_statistics(self._table()))
        # First, for it makes the commits after it light; what they replace stays until its own snapshots are old.
        self._drop_branches(due.drop_branches)
        if due.expire_before:
            self._call("expire_snapshots", older_than=_timestamp(due.expire_before), retain_last=str(SNAPSHOTS_MIN))
        if due.expire:
            numbers = ", ".join(map(str, due.expire))
            self._call("expire_snapshots", older_than=_timestamp(_NEVER), snapshot_ids=f"array({numbers})")
        if due.compact:
            self._compact()
        if plan(self._state(), self.limits, self.clock.now()).rewrite_manifests:
            (rewritten,) = self._call("rewrite_manifests", use_caching="false")
            self.outcome.manifests_rewritten += rewritten["rewritten_manifests_count"]
        if due.sweep:
            self._sweep()

    def _drop_branches(self, names: Sequence[str]) -> None:
        for name in names:
            with self._table().manage_snapshots() as manage:
                manage.remove_branch(name)
            self.outcome.branches_dropped += 1

    def _compact(self) -> None:
        target = 2 * self.limits.file_bytes
        # Files of half the target are left alone, so that there is at most one below file_bytes when all is done.
        options = {
            "target-file-size-bytes": target,
            "min-file-size-bytes": self.limits.file_bytes,
            "min-input-files": 2,
            "max-file-group-size-bytes": _TARGETS_PER_GROUP * target,
            "partial-progress.enabled": "true",
        }
        for _ in range(_PASSES_MAX):
            if not (crowded := self._state().crowded(self.limits.file_bytes)):
                return
            # A table that is written in an order is rewritten in it, or readers would skip less after every merge.
            order = {} if self._table().sort_order().is_unsorted else {"strategy": "'sort'"}
            (done,) = self._call("rewrite_data_files", options=_map(options), **order)
            self.outcome.files_rewritten += done["rewritten_data_files_count"]
            # A group whose commit was refused is not counted as failed, only missing among what was added.
            if done["failed_data_files_count"] or done["added_data_files_count"] < crowded:
                raise CompactionIncomplete(f"not every partition of {self.name} was merged; the log of Spark says why")
            # One file per partition needs no second look; what came in meanwhile is for the next run.
            if done["added_data_files_count"] == crowded:
                return

    def _sweep(self) -> None:
        now = self.clock.now()
        # Java has no file system of its own for S3; Iceberg's own client lists by prefix.
        own_listing = {"prefix_listing": "true"} if self._table().location().startswith("s3") else {}
        older_than = _timestamp(now - self.limits.orphan_age)
        removed = self._call("remove_orphan_files", older_than=older_than, **own_listing)
        self.outcome.orphans_removed += len(removed)
        self._set_missing({SWEPT_PROPERTY: now.isoformat()})

    def _set_missing(self, properties: Mapping[str, str]) -> None:
        table = self._table()
        if not properties.items() <= table.properties.items():
            with table.transaction() as change:
                change.set_properties(dict(properties))

    def _call(self, procedure: str, **arguments: str) -> list[Row]:
        start = time.monotonic()
        given = ", ".join(f"{name} => {value}" for name, value in {"table": _table(self.name), **arguments}.items())
        rows = self.lake.spark.sql(f"CALL {self.lake.name}.system.{procedure}({given})").collect()
        log.info("step done", table=self.name, step=procedure, seconds=round(time.monotonic() - start, 2))
        return rows

    def _table(self) -> Table:
        return self.lake.catalog.load_table(self.name)

    def _state(self) -> State:
        return self.look(self._table())


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:500]


def _timestamp(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC).isoformat(sep=' ')}'"


def _map(values: Mapping[str, object]) -> str:
    return "map(" + ", ".join(f"'{name}', '{value}'" for name, value in values.items()) + ")"


def _table(name: str) -> str:
    quoted = ".".join(f"`{part}`" for part in name.split(".", 1))
    return "'" + quoted.replace("'", "\\'") + "'"
