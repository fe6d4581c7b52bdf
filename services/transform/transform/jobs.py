"""The only place with input and output: read bronze at fixed snapshots, build every table, check, publish."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType
from shopsphere_kit.clock import Clock
from shopsphere_kit.lake import Release
from shopsphere_kit.logging import get_logger

from transform import bronze, checks, release
from transform.content import content_hash
from transform.errors import ChecksFailed
from transform.spec import Judged, Table
from transform.storage import Lake
from transform.tables import JUDGED, TABLES

log = get_logger(__name__)


@dataclass
class Run:
    """What a run did, for its report."""

    rows: dict[str, int] = field(default_factory=dict)
    results: list[checks.CheckResult] = field(default_factory=list)
    conservation: list[checks.Conservation] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    published: release.ReleaseRow | None = None

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure a step."""
        start = time.monotonic()
        yield
        self.seconds[step] = round(time.monotonic() - start, 2)
        log.info("step done", step=step, seconds=self.seconds[step])


def run(lake: Lake, clock: Clock) -> Run:
    """Build all tables from what bronze holds now and publish them as one release. Raises ChecksFailed."""
    done = Run()
    consumed = {name: found for name in bronze.SCHEMAS if (found := lake.current_snapshot(name)) is not None}
    frames = {name: _bronze(lake, name, consumed) for name in bronze.SCHEMAS}
    judged = {judged.name: judged.build(*(frames[name] for name in judged.reads)).persist() for judged in JUDGED}
    try:
        for table in TABLES:
            with done.timed(table.name):
                _build(lake, table, frames | judged)
        with done.timed("checks"):
            _check(lake, frames, done)
    finally:
        for frame in judged.values():
            frame.unpersist()
    _stop_on_failure(done.results)
    with done.timed("publish"):
        done.published = _publish(lake, consumed, clock)
    return done


def _bronze(lake: Lake, name: str, consumed: Mapping[str, int]) -> DataFrame:
    schema = bronze.SCHEMAS[name]
    if name not in consumed:
        return lake.spark.createDataFrame([], schema)
    return _with_columns(lake.at_snapshot(name, consumed[name]), schema)


def _with_columns(rows: DataFrame, schema: StructType) -> DataFrame:
    """The columns of the schema; one that the source does not have yet is empty, one we do not know is left out."""
    return rows.select(
        *(
            (F.col(f"`{f.name}`") if f.name in rows.columns else F.lit(None)).cast(f.dataType).alias(f.name)
            for f in schema.fields
        )
    )


def _build(lake: Lake, table: Table, inputs: Mapping[str, DataFrame]) -> None:
    lake.prepare(table)
    frames = [inputs[name] if name in inputs else lake.audited(name) for name in table.reads]
    lake.write_audit(table, table.build(*frames))


def _check(lake: Lake, frames: Mapping[str, DataFrame], done: Run) -> None:
    done.rows, done.results = _check_tables(lake.audited)
    came_in = {judged.table: _came_in(judged, frames) for judged in JUDGED if judged.count_input}
    done.conservation = checks.conservation(came_in, done.rows, lake.audited)
    done.results += [balance.result() for balance in done.conservation]


def _check_tables(read: checks.Read) -> tuple[dict[str, int], list[checks.CheckResult]]:
    rows, results = checks.check_columns(TABLES, read)
    return rows, [
        *results,
        *checks.check_grains(TABLES, read),
        *checks.check_references(TABLES, read),
        *checks.check_sums(read),
    ]


def _came_in(judged: Judged, frames: Mapping[str, DataFrame]) -> int:
    if judged.count_input is None:
        return 0
    count: int = judged.count_input(*(frames[name] for name in judged.reads)).collect()[0][0]
    return count


def _stop_on_failure(results: list[checks.CheckResult]) -> None:
    failing = [result for result in results if not result.holds]
    if failing:
        told = "; ".join(f"{r.table} {r.check} ({r.column}): {r.failing} failing {r.detail}".strip() for r in failing)
        raise ChecksFailed(f"no release was made, readers keep the last one: {told}")


def _publish(lake: Lake, consumed: Mapping[str, int], clock: Clock) -> release.ReleaseRow:
    snapshots = {table.name: lake.audit_snapshot(table.name) for table in TABLES}
    for table in snapshots:
        lake.fast_forward(table)
    made = release.new_release(clock.now(), snapshots, consumed)
    release.append(lake.catalog, made)
    return made


def check_release(lake: Lake, pinned: Release) -> list[checks.CheckResult]:
    """The checks of the tables of a published release, made anew."""

    def read(name: str) -> DataFrame:
        return lake.at_snapshot(name, pinned.snapshots[name])

    return _check_tables(read)[1]


def quarantined(lake: Lake, pinned: Release) -> dict[str, int]:
    """The number of quarantined rows of a release by "table check"."""
    rows = lake.at_snapshot(checks.QUARANTINE, pinned.snapshots[checks.QUARANTINE])
    counts = rows.groupBy("table", "check").count().orderBy("table", "check").collect()
    return {f"{row['table']} {row['check']}": row["count"] for row in counts}


def hashes(lake: Lake, pinned: Release) -> dict[str, str]:
    """The content hash of every table of a release."""
    return {name: content_hash(lake.at_snapshot(name, snapshot)) for name, snapshot in sorted(pinned.snapshots.items())}
