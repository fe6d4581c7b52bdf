"""The only place with input and output: read bronze at fixed snapshots, build every table, check, publish."""

import secrets
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
from transform.changes import filled
from transform.content import content_hash
from transform.errors import ChecksFailed
from transform.spec import Judged
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
    """Build all tables from what bronze holds now and publish them as one release. Raises ChecksFailed, Superseded."""
    done, seen = Run(), release.head(lake.catalog)
    settle(lake)
    consumed = {name: found for name in bronze.SCHEMAS if (found := lake.current_snapshot(name)) is not None}
    frames = {name: _bronze(lake, name, consumed) for name in bronze.SCHEMAS}
    judged = {of: of.build(*(frames[name] for name in of.reads)).persist() for of in JUDGED}
    try:
        snapshots = _build_all(lake, frames | {of.name: frame for of, frame in judged.items()}, done)
        with done.timed("checks"):
            _check(_reader(lake, snapshots), frames, judged, done)
    finally:
        for frame in judged.values():
            frame.unpersist()
    _stop_on_failure(done.results)
    with done.timed("publish"):
        done.published = release.new_release(clock.now(), snapshots, consumed)
        release.append(lake.catalog, done.published, seen)
        settle(lake)
    return done


def settle(lake: Lake) -> None:
    """Let the main branches be the newest release."""
    release.settle(lake.catalog)


def _bronze(lake: Lake, name: str, consumed: Mapping[str, int]) -> DataFrame:
    schema = bronze.SCHEMAS[name]
    if name not in consumed:
        return lake.spark.createDataFrame([], schema)
    stored = lake.at_snapshot(name, consumed[name])
    rows = _with_columns(filled(stored, *bronze.KEYS[name]) if name in bronze.KEYS else stored, schema)
    return rows.where(F.col(bronze.REJECTED).isNull()) if bronze.REJECTED in schema.names else rows


def _with_columns(rows: DataFrame, schema: StructType) -> DataFrame:
    """The columns of the schema; one that the source does not have yet is empty, one we do not know is left out."""
    return rows.select(
        *(
            (F.col(f"`{f.name}`") if f.name in rows.columns else F.lit(None)).cast(f.dataType).alias(f.name)
            for f in schema.fields
        )
    )


def _build_all(lake: Lake, inputs: Mapping[str, DataFrame], done: Run) -> dict[str, int]:
    """The snapshot of every table, as this run wrote it."""
    run_id, snapshots = secrets.token_hex(8), dict[str, int]()
    for table in TABLES:
        with done.timed(table.name):
            lake.prepare(table)
            built = _reader(lake, snapshots)
            frames = [inputs[name] if name in inputs else built(name) for name in table.reads]
            snapshots[table.name] = lake.write_audit(table, table.build(*frames), run_id)
    return snapshots


def _reader(lake: Lake, snapshots: Mapping[str, int]) -> checks.Read:
    return lambda name: lake.at_snapshot(name, snapshots[name])


def _check(read: checks.Read, frames: Mapping[str, DataFrame], judged: Mapping[Judged, DataFrame], done: Run) -> None:
    done.rows, done.results = _check_tables(read)
    delivered = {of.table: _delivered(of, frames) for of in judged}
    done.conservation = checks.conservation(judged, delivered, done.rows, read)
    done.results += [balance.result() for balance in done.conservation]


def _check_tables(read: checks.Read) -> tuple[dict[str, int], list[checks.CheckResult]]:
    rows, results = checks.check_columns(TABLES, read)
    return rows, [
        *results,
        *checks.check_grains(TABLES, read),
        *checks.check_references(TABLES, read),
        *checks.check_sums(read),
    ]


def _delivered(of: Judged, frames: Mapping[str, DataFrame]) -> int:
    count: int = of.count_input(*(frames[name] for name in of.reads)).collect()[0][0]
    return count


def _stop_on_failure(results: list[checks.CheckResult]) -> None:
    failing = [result for result in results if not result.holds]
    if failing:
        told = "; ".join(f"{r.table} {r.check} ({r.column}): {r.failing} failing {r.detail}".strip() for r in failing)
        raise ChecksFailed(f"no release was made, readers keep the last one: {told}")


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
