"""Keeps bronze fit while ingest writes to it: merges files and manifests, expires snapshots, removes what nobody names.

Each step is one or more commits of Iceberg that take effect only on the state they were made for. Between two commits
of ingest there is little time, so such a commit is tried many times over; ingest for its part looks at the table again
and finds its position where it left it. Every step may be repeated, so whatever fails is done again on the table as it
is then.

The bronze snapshots that a release names as `consumed` are a record of what it was made from, and expire like others:
nothing reads them back, and bronze only grows, so what a snapshot had is found by `_ingested_at` and `_position`. A
run of transform does read them while it lasts: no snapshot younger than Limits.snapshot_age_min expires.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from py4j.protocol import Py4JError
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, RESTError
from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table import Table
from pyspark.errors import PySparkException
from pyspark.sql import Row
from shopsphere_kit.clock import Clock
from shopsphere_kit.lake import BRONZE
from shopsphere_kit.logging import get_logger
from sqlalchemy.exc import DBAPIError

from transform.errors import CompactionIncomplete
from transform.storage import Lake, without_footer_statistics
from transform.upkeep import SNAPSHOTS_MIN, Limits, Plan, State, plan

SWEPT_PROPERTY = "shopsphere.orphans-removed-at"
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

log = get_logger(__name__)


@dataclass
class Outcome:
    """What was done to a table, in numbers; `failure` when it had to be left as it was."""

    before: dict[str, int]
    after: dict[str, int]
    files_rewritten: int = 0
    manifests_rewritten: int = 0
    orphans_removed: int = 0
    seconds: float = 0.0
    failure: str | None = None


@dataclass
class Report:
    """What a maintenance run did; `left` is what its time was not enough for."""

    tables: dict[str, Outcome] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
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
    """Do what is due on every table of bronze, the neediest first; Spark starts only when something is.

    The table that passes `seconds` is the last one.
    """
    start, report = time.monotonic(), Report()
    due = []
    for name, state in _survey(catalog).items():
        figures = state.figures(limits.file_bytes)
        report.tables[name] = Outcome(figures, figures)
        if not plan(state, limits, clock.now()).is_idle:
            due.append((-state.surplus(limits.file_bytes), name))
    log.info("tables looked over", tables=len(report.tables), due=len(due))
    if due:
        names = [name for _, name in sorted(due)]
        with spark() as lake:
            _work_off(lake, names, report, limits, clock, None if seconds is None else start + seconds)
    report.seconds = round(time.monotonic() - start, 2)
    return report


def _work_off(
    lake: Lake, names: Sequence[str], report: Report, limits: Limits, clock: Clock, deadline: float | None
) -> None:
    for done, name in enumerate(names):
        # One table at least, or a run that is always short of time would never get anywhere.
        if done and deadline is not None and time.monotonic() > deadline:
            report.left = list(names[done:])
            log.warning("time is over", left=report.left)
            return
        start, outcome = time.monotonic(), report.tables[name]
        _Work(lake, name, limits, clock, outcome).do()
        outcome.seconds = round(time.monotonic() - start, 2)
        log.info("table done", table=name, **asdict(outcome))


def _survey(catalog: Catalog) -> dict[str, State]:
    if not catalog.namespace_exists(BRONZE):
        return {}
    names = sorted(".".join(identifier) for identifier in catalog.list_tables(BRONZE))
    return {name: state_of(catalog.load_table(name)) for name in names}


def state_of(table: Table) -> State:
    """The table as its metadata has it."""
    manifests = _live_manifests(table)
    files = defaultdict[str, list[int]](list)
    for manifest in manifests:
        for entry in manifest.fetch_manifest_entry(table.io):
            files[f"{manifest.partition_spec_id}/{entry.data_file.partition}"].append(
                entry.data_file.file_size_in_bytes
            )
    moments = {snapshot.snapshot_id: _moment(snapshot.timestamp_ms) for snapshot in table.snapshots()}
    named = {reference.snapshot_id for reference in table.metadata.refs.values()}
    swept = table.properties.get(SWEPT_PROPERTY)
    return State(
        files=files,
        manifests=len(manifests),
        snapshots=list(moments.values()),
        named_snapshots=[moment for number, moment in moments.items() if number in named],
        swept_at=datetime.fromisoformat(swept) if swept else None,
    )


def _live_manifests(table: Table) -> list[ManifestFile]:
    snapshot = table.current_snapshot()
    # A manifest of deleted files alone falls away with the next commit.
    return [
        manifest
        for manifest in (snapshot.manifests(table.io) if snapshot else ())
        if manifest.content == ManifestContent.DATA and (manifest.has_added_files() or manifest.has_existing_files())
    ]


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@dataclass
class _Work:
    """The work on one table."""

    lake: Lake
    name: str
    limits: Limits
    clock: Clock
    outcome: Outcome

    def do(self) -> None:
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
        self._set_missing(_PATIENCE | without_footer_statistics(self._table()))
        # First, for it makes the commits after it light; what they replace stays until its own snapshots are old.
        if due.expire_before:
            self._call("expire_snapshots", older_than=_timestamp(due.expire_before), retain_last=str(SNAPSHOTS_MIN))
        if due.compact:
            self._compact()
        if plan(self._state(), self.limits, self.clock.now()).rewrite_manifests:
            (rewritten,) = self._call("rewrite_manifests", use_caching="false")
            self.outcome.manifests_rewritten += rewritten["rewritten_manifests_count"]
        if due.sweep:
            self._sweep()

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
            (done,) = self._call("rewrite_data_files", options=_map(options))
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
        return state_of(self._table())


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:500]


def _timestamp(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC).isoformat(sep=' ')}'"


def _map(values: Mapping[str, object]) -> str:
    return "map(" + ", ".join(f"'{name}', '{value}'" for name, value in values.items()) + ")"


def _table(name: str) -> str:
    quoted = ".".join(f"`{part}`" for part in name.split(".", 1))
    return "'" + quoted.replace("'", "\\'") + "'"
