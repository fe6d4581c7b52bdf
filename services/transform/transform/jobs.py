"""The run: read what bronze gained, rebuild what that reaches, check, publish. Raises ChecksFailed, Superseded."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import Table as IcebergTable
from pyspark.sql import DataFrame
from shopsphere_kit.clock import Clock
from shopsphere_kit.lake import Release
from shopsphere_kit.logging import get_logger

from transform import bronze, checks, release
from transform.content import content_hash
from transform.counts import Counts, add
from transform.engine import Engine
from transform.errors import ChecksFailed
from transform.logic import fingerprint
from transform.schedule import Step, run_all
from transform.spec import Fold, Judged, Read, Table
from transform.storage import BRANCH, Lake
from transform.tables import FOLDS, JUDGED, TABLES
from transform.tables.truncates import FOLD as TRUNCATES

log = get_logger(__name__)
STORED = (*FOLDS, *TABLES)
# A run that takes longer than this is dead; its branches are removed by the next one.
_BRANCH_AGE = timedelta(hours=6)
# Planning a query keeps one core busy, and running it the others: more threads than this gained nothing on two cores.
_WORKERS = 4
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass
class Run:
    """What a run did, for its report."""

    full: bool = False
    why: str = ""
    counts: Counts = field(default_factory=Counts)
    changed: dict[str, dict[str, int]] = field(default_factory=dict)
    results: list[checks.CheckResult] = field(default_factory=list)
    conservation: list[checks.Conservation] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    published: release.ReleaseRow | None = None

    @property
    def rows(self) -> dict[str, int]:
        """Rows of every table."""
        return {table.name: self.counts.rows[table.name] for table in TABLES if table.name in self.counts.rows}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure a step."""
        start = time.monotonic()
        yield
        self.seconds[step] = round(time.monotonic() - start, 2)
        log.info("step done", step=step, seconds=self.seconds[step])


def run(lake: Lake, clock: Clock, *, full: bool = False) -> Run:
    """Bring silver and gold to what bronze holds now, and publish them as one release; nothing new, nothing done."""
    seen = release.head(lake.catalog)
    settle(lake)
    last = release.newest(lake.catalog)
    consumed = {name: found for name in bronze.SCHEMAS if (found := lake.current_snapshot(name)) is not None}
    why = "asked for" if full else _reason_for_full(lake, last, consumed)
    done = Run(full=bool(why), why=why)
    if last is not None and not why and not _gained(lake, last.consumed, consumed):
        done.counts, done.published = Counts.of(last.counts), last
        return done
    branch = f"{BRANCH}{clock.now():{_STAMP}}_{secrets.token_hex(4)}"
    base = last if last is not None and not why else None
    engine = Engine(lake, branch, base.tables if base else {}, consumed, base.consumed if base else {})
    try:
        _publish(engine, base, clock, seen, done)
    finally:
        engine.release_memory()
        _drop_branches(lake, branch, clock.now())
    return done


def _publish(engine: Engine, base: release.ReleaseRow | None, clock: Clock, seen: str | None, done: Run) -> None:
    lake = engine.lake
    lake.spark.conf.set("spark.sql.adaptive.enabled", str(engine.is_full).lower())
    _build(engine, done, _WORKERS)
    with done.timed("checks"):
        _check(engine, Counts.of(base.counts) if base else Counts(), done)
    _stop_on_failure(done.results)
    with done.timed("publish"):
        tables = {**engine.base, **engine.made}
        done.published = release.new_release(
            clock.now(), tables, engine.consumed, counts=done.counts.flat(), logic=fingerprint()
        )
        release.append(lake.catalog, done.published, seen)
        settle(lake)


def _build(engine: Engine, done: Run, workers: int) -> None:
    folds = [
        Step(fold.name, [TRUNCATES.name] if fold.emptied_with else [], _timed(engine.advance_fold, fold, done))
        for fold in FOLDS
    ]
    judged = [Step(each.name, _names(each), _timed(engine.advance_judged, each, done)) for each in JUDGED]
    tables = [Step(each.name, _names(each), _timed(engine.advance_table, each, done)) for each in TABLES]
    run_all([*folds, *judged, *tables], workers)
    done.changed = {
        name: {"taken_out": found.taken_out, "put_in": found.put_in} for name, found in engine.statistics.items()
    }


def _names(node: Table | Judged) -> list[str]:
    return [given.name for given in node.reads]


def _timed(advance: Callable[[Any], None], node: Fold | Judged | Table, done: Run) -> Callable[[], None]:
    def act() -> None:
        with done.timed(node.name):
            advance(node)

    return act


def _check(engine: Engine, counts: Counts, done: Run) -> None:
    done.counts = counts
    add(counts.delivered, engine.arrived)
    if engine.is_full:
        counts.rows, done.results = _check_tables(engine.read)
        counts.quarantined = checks.quarantined(engine.read(checks.QUARANTINE))
        counts.tallies = _tallies(engine.judged, engine.read)
    else:
        done.results = _check_changes(engine)
        _count_changes(engine, counts)
    done.conservation = checks.conservation(counts, JUDGED)
    done.results += [balance.result() for balance in done.conservation]


def _tallies(frames: Mapping[str, DataFrame], read: Read) -> dict[str, dict[str, int]]:
    return checks.tallies(
        {
            judged.name: (frames[judged.name], judged.count_input(*(read(given.name) for given in judged.reads)))
            for judged in JUDGED
            if judged.name in frames
        }
    )


def _check_tables(read: Read) -> tuple[dict[str, int], list[checks.CheckResult]]:
    rows, results = checks.check_columns(STORED, read)
    return rows, [
        *results,
        *checks.check_grains(STORED, read),
        *checks.check_references(TABLES, read, read),
        *checks.check_sums(read),
    ]


def _check_changes(engine: Engine) -> list[checks.CheckResult]:
    changed = [table for table in TABLES if table.name in engine.changes]
    return [
        *checks.check_statistics(STORED, engine.statistics),
        *checks.check_references(changed, engine.put_in, engine.read),
        *checks.check_removed(TABLES, engine.changes, engine.read),
        *checks.check_moved_sums(engine.statistics),
    ]


def _count_changes(engine: Engine, counts: Counts) -> None:
    for name, found in engine.statistics.items():
        add(counts.rows, {name: found.rows})
    quarantined = engine.changes.get(checks.QUARANTINE)
    if quarantined is not None and quarantined.difference is not None:
        add(counts.quarantined, checks.quarantined(quarantined.difference.after))
        add(counts.quarantined, checks.quarantined(quarantined.difference.before), -1)
    for sign, read in ((1, engine.read), (-1, engine.read_base)):
        for name, tallied in checks.tallies(engine.judged_again(read)).items():
            add(counts.tallies.setdefault(name, {}), tallied, sign)


def _reason_for_full(lake: Lake, last: release.ReleaseRow | None, consumed: Mapping[str, int]) -> str:
    """Why nothing can be taken over from the last release; empty when it can."""
    if last is None:
        return "there is no release yet"
    if last.logic != fingerprint():
        return "the rules have changed since the last release"
    if missing := [stored.name for stored in STORED if stored.name not in last.tables]:
        return f"the last release has no {', '.join(missing)}"
    for name, snapshot in last.consumed.items():
        if name in consumed and not _follows(lake.catalog.load_table(name), snapshot):
            return f"{name} no longer has what came between the last release and now"
        if name not in consumed:
            return f"{name} is gone"
    return ""


def _follows(table: IcebergTable, after: int) -> bool:
    """Whether everything since a snapshot was appended, and each step of it is still there."""
    snapshot = table.current_snapshot()
    while snapshot is not None and snapshot.snapshot_id != after:
        operation = snapshot.summary.operation.value if snapshot.summary else ""
        if operation not in {"append", "replace"} or snapshot.parent_snapshot_id is None:
            return False
        snapshot = table.snapshot_by_id(snapshot.parent_snapshot_id)
    return snapshot is not None


def _gained(lake: Lake, before: Mapping[str, int], now: Mapping[str, int]) -> bool:
    return any(snapshot != before.get(name) and _added(lake, name, before.get(name)) for name, snapshot in now.items())


def _added(lake: Lake, name: str, after: int | None) -> bool:
    table = lake.catalog.load_table(name)
    snapshot = table.current_snapshot()
    while snapshot is not None and snapshot.snapshot_id != after:
        summary = snapshot.summary
        if summary and summary.operation.value == "append" and int(summary.get("added-records") or 0) > 0:
            return True
        parent = snapshot.parent_snapshot_id
        snapshot = table.snapshot_by_id(parent) if parent is not None else None
    return False


def settle(lake: Lake) -> None:
    """Let the main branches be the newest release."""
    release.settle(lake.catalog)


def _drop_branches(lake: Lake, own: str, now: datetime) -> None:
    """Remove the branch of this run, and those of runs that ended without doing so."""

    def unwanted(branch: str) -> bool:
        begun = datetime.strptime(branch.removeprefix(BRANCH).split("_")[0], _STAMP).replace(tzinfo=UTC)
        return branch == own or now - begun > _BRANCH_AGE

    for stored in STORED:
        try:
            lake.drop_branches(stored.name, unwanted)
        except (CommitFailedException, NoSuchTableError):
            log.warning("a branch was left", table=stored.name, branch=own)


def _stop_on_failure(results: list[checks.CheckResult]) -> None:
    failing = [result for result in results if not result.holds]
    if failing:
        told = "; ".join(f"{r.table} {r.check} ({r.column}): {r.failing} failing {r.detail}".strip() for r in failing)
        raise ChecksFailed(f"no release was made, readers keep the last one: {told}")


def _reader(lake: Lake, snapshots: Mapping[str, int]) -> Read:
    return lambda name: lake.at_snapshot(name, snapshots[name])


def check_release(lake: Lake, pinned: Release) -> list[checks.CheckResult]:
    """The checks of the tables of a published release, made anew."""
    return _check_tables(_reader(lake, pinned.snapshots))[1]


def quarantined(lake: Lake, pinned: Release) -> dict[str, int]:
    """The number of quarantined rows of a release by "table check"."""
    rows = lake.at_snapshot(checks.QUARANTINE, pinned.snapshots[checks.QUARANTINE])
    counts = rows.groupBy("table", "check").count().orderBy("table", "check").collect()
    return {f"{row['table']} {row['check']}": row["count"] for row in counts}


def hashes(lake: Lake, pinned: Release) -> dict[str, str]:
    """The content hash of every table of a release."""
    return {name: content_hash(lake.at_snapshot(name, snapshot)) for name, snapshot in sorted(pinned.snapshots.items())}
