"""`python -m transform run` as an operator types it, killed -9 with its Java after so many commits to the catalog."""

import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import psutil
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until
from shopsphere_local.settings import LocalSettings, inherited_environment
from shopsphere_local.state import State

# Starting Java and a full run take half a minute on an idle machine.
_PATIENCE_SECONDS = 600.0


def killed_run(lake: LakeSettings, commits: int) -> bool:
    """Whether it was killed; otherwise it ended before there were so many commits."""
    seen = _Commits(Path(lake.catalog_uri.removeprefix("sqlite:///")))
    process = subprocess.Popen(
        [sys.executable, "-m", "transform", "run"],
        env=_environment(lake),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(
            lambda: process.poll() is not None or seen.look() >= commits,
            deadline_seconds=_PATIENCE_SECONDS,
            what=f"{commits} commits of a run",
        )
        was_running = process.poll() is None
    finally:
        _kill(process)
    return was_running


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        for each in (*parent.children(recursive=True), parent):
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()


class _Commits:
    """Counts the metadata files that the catalog has named since the start."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._start = self._now()
        self._seen: set[str] = set()

    def look(self) -> int:
        self._seen |= self._now() - self._start
        return len(self._seen)

    def _now(self) -> set[str]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30)) as database:
            return {row[0] for row in database.execute("select metadata_location from iceberg_tables")}


def _environment(lake: LakeSettings) -> dict[str, str]:
    return inherited_environment() | {
        "SHOPSPHERE_LAKE_CATALOG_URI": lake.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": lake.warehouse,
        "TRANSFORM_MASTER": "local[1]",
        "TRANSFORM_SHUFFLE_PARTITIONS": "1",
        "TRANSFORM_CACHE_DIR": str(State(LocalSettings().state_dir).cache),
    }
