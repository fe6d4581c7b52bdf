"""The run: read what bronze gained, rebuild what that reaches, check, publish. Raises ChecksFailed, Superseded."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from shopsphere_kit.clock import Clock
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.lake import GOLD, SILVER, Release
from shopsphere_kit.logging import get_logger

from transform import balances, bronze, checks, gains, release, session
from transform.content import content_hash
from transform.counts import Counts, add
from transform.engine import Engine
from transform.errors import ChecksFailed, NoRelease
from transform.logic import fingerprint
from transform.restatement import Restatement
from transform.schedule import Step, run_all
from transform.spec import Fold, Judged, Read, Table
from transform.statistics import statistics_of
from transform.storage import RUN_BRANCH, Lake
from transform.tables import FOLDS, JUDGED, TABLES
from transform.tables.truncates import FOLD as TRUNCATES
from transform.upkeep import Limits

log = get_logger(__name__)
STORED = (*FOLDS, *TABLES)
# With fewer rows than these in bronze, compiling queries costs more than it saves (see session.SMALL). Two cores: with
# 100,000 rows a full run took 55 s without and 70 s with, with 240,000 96 and 75; an incremental one 30 and 36.
_SMALL_FULL, _SMALL_INCREMENT = 150_000, 400_000
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


def run(lake: Lake, clock: Clock, *, full: bool = False, restatement: Restatement | None = None) -> Run:
    """Bring silver and gold to what bronze holds now, and publish them as one release; nothing new, nothing done.

    A restatement computes a part anew by the rules of today, from the bronze that the last release had taken in.
    """
    seen = release.head(lake.catalog)
    release.settle(lake.catalog)
    last = release.newest(lake.catalog)
    if restatement is not None:
        return _restate(lake, clock, last, seen, restatement)
    consumed = {name: found for name in bronze.SCHEMAS if (found := lake.current_snapshot(name)) is not None}
    why = "asked for" if full else gains.reason_for_full(lake, last, consumed)
    done = Run(full=bool(why), why=why)
    if last is not None and not why and not gains.gained(lake, last.consumed, consumed):
        done.counts, done.published = Counts.of(last.counts), last
        return done
    base = last if last is not None and not why else None
    engine = Engine(lake, _branch(clock), base.tables if base else {}, consumed, base.consumed if base else {})
    return _publish(engine, base, clock, seen, done)


def _restate(
    lake: Lake, clock: Clock, last: release.ReleaseRow | None, seen: str | None, restatement: Restatement
) -> Run:
    if last is None:
        raise NoRelease("there is no release to restate a part of; `python -m transform run` makes the first")
    engine = Engine(lake, _branch(clock), last.tables, last.consumed, last.consumed, restatement)
    return _publish(engine, last, clock, seen, Run())


def _branch(clock: Clock) -> str:
    return f"{RUN_BRANCH}{clock.now():{_STAMP}}_{secrets.token_hex(4)}"


def _publish(engine: Engine, base: release.ReleaseRow | None, clock: Clock, seen: str | None, done: Run) -> Run:
    lake = engine.lake
    for namespace in (SILVER, GOLD):
        lake.catalog.create_namespace_if_not_exists(namespace)
    try:
        with session.tuned(lake.spark, _profile(engine)):
            _build(engine, done, _WORKERS)
            if engine.restatement is not None and not engine.restated:
                raise InvalidArgument(
                    "bronze has nothing of what is to be restated; no release was made", field="restate"
                )
            with done.timed("checks"):
                _check(engine, Counts.of(base.counts) if base else Counts(), done)
        _stop_on_failure(done.results)
        with done.timed("publish"):
            tables = {**engine.base, **engine.made}
            done.published = release.new_release(
                clock.now(), tables, engine.consumed, counts=done.counts.flat(), logic=fingerprint()
            )
            release.append(lake.catalog, done.published, seen)
            release.settle(lake.catalog)
    finally:
        engine.release_memory()
        _drop_branches(lake, engine.branch, clock.now())
    return done


def _profile(engine: Engine) -> Mapping[str, str]:
    """What suits the rows that the run may have to look at: all of bronze at the most."""
    rows = sum(gains.gained_rows(engine.lake.catalog.load_table(name), None) for name in engine.consumed)
    if rows < (_SMALL_FULL if engine.is_full else _SMALL_INCREMENT):
        return session.SMALL
    # The queries of an increment are many and short: adapting their plans takes longer than it saves.
    return {} if engine.is_full else {"spark.sql.adaptive.enabled": "false"}


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
    add(counts.delivered, {name: arrived.delivered for name, arrived in engine.arrived.items()})
    add(counts.repeated, {name: arrived.repeated for name, arrived in engine.arrived.items()})
    for name, found in engine.statistics.items():
        add(counts.rows, {name: found.rows})
    changed = [table for table in TABLES if table.name in engine.statistics]
    results: dict[str, list[checks.CheckResult]] = {}

    def note(name: str, check: Callable[[], list[checks.CheckResult]]) -> Step:
        return Step(name, [], lambda: results.update({name: check()}))

    run_all(
        [
            note("references", lambda: checks.check_references(changed, engine.put_in, engine.read)),
            note("removed", lambda: checks.check_removed(TABLES, engine.changes, engine.statistics, engine.read)),
            *_counting(engine, counts),
        ],
        _WORKERS,
    )
    done.conservation = checks.conservation(counts, JUDGED)
    done.results = [
        *checks.check_statistics(STORED, engine.statistics),
        *checks.check_written(engine.unaccounted),
        *(result for part in results.values() for result in part),
        *checks.check_moved_sums(engine.statistics),
        *(balance.result() for balance in done.conservation),
    ]


def _counting(engine: Engine, counts: Counts) -> list[Step]:
    if engine.is_full:
        rejected = engine.read(checks.QUARANTINE)
        return [
            Step("quarantined", [], lambda: add(counts.quarantined, checks.quarantined(rejected))),
            Step("tallies", [], lambda: counts.add_tallies(checks.tallies(balances.all_judged(engine)))),
        ]
    return [
        Step("quarantined", [], lambda: _count_quarantined(engine, counts)),
        Step("tallies", [], lambda: _count_judged(engine, counts)),
    ]


def _count_quarantined(engine: Engine, counts: Counts) -> None:
    change = engine.changes.get(checks.QUARANTINE)
    if change is not None and change.difference is not None:
        add(counts.quarantined, checks.quarantined(change.difference.after))
        add(counts.quarantined, checks.quarantined(change.difference.before), -1)


def _count_judged(engine: Engine, counts: Counts) -> None:
    counts.add_tallies(checks.tallies(balances.judged_again(engine)))
    counts.add_tallies(checks.tallies_before(balances.judged_before(engine)), -1)


def check_release(lake: Lake, pinned: Release) -> list[checks.CheckResult]:
    """The checks of the tables of a published release, made anew, and its balances as it wrote them down."""
    read = _reader(lake, pinned.snapshots)
    stored = [table for table in STORED if table.name in pinned.snapshots]
    found = {table.name: statistics_of(table, read(table.name)) for table in stored}
    return [
        *checks.check_statistics(stored, found),
        *checks.check_references(TABLES, read, read),
        *checks.check_moved_sums(found),
        *(balance.result() for balance in _balances(lake, pinned)),
    ]


def _balances(lake: Lake, pinned: Release) -> list[checks.Conservation]:
    rows = release.published(lake.catalog)
    counts = Counts.of(next(row.counts for row in rows if row.release_id == pinned.release_id))
    return checks.conservation(counts, JUDGED) if counts.rows else []


def _drop_branches(lake: Lake, own: str, now: datetime) -> None:
    """Remove the branch of this run, and those of runs that ended without doing so."""

    def unwanted(branch: str) -> bool:
        begun = datetime.strptime(branch.removeprefix(RUN_BRANCH).split("_")[0], _STAMP).replace(tzinfo=UTC)
        return branch == own or now - begun > Limits.unpublished_age

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


def quarantined(lake: Lake, pinned: Release) -> dict[str, int]:
    """The number of quarantined rows of a release by "table check"."""
    rows = lake.at_snapshot(checks.QUARANTINE, pinned.snapshots[checks.QUARANTINE])
    counts = rows.groupBy("table", "check").count().orderBy("table", "check").collect()
    return {f"{row['table']} {row['check']}": row["count"] for row in counts}


def hashes(lake: Lake, pinned: Release) -> dict[str, str]:
    """The content hash of every table of a release."""
    return {name: content_hash(lake.at_snapshot(name, snapshot)) for name, snapshot in sorted(pinned.snapshots.items())}
