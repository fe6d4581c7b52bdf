"""SIGTERM under steady load: what was read is committed, nothing is left half done, and nothing is lost."""

import json
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg2
import pytest
from ingest.settings import Settings
from ingest_builders import bronze, environment
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(200)]
STOPS = 2


class Writer(threading.Thread):
    """Inserts rows, a few per transaction, until told to stop."""

    def __init__(self, dsn: str) -> None:
        super().__init__(name="writer")
        self._session = psycopg2.connect(dsn)
        self.stopping = threading.Event()
        self.inserted = 0

    def run(self) -> None:
        while not self.stopping.wait(0.002):
            with self._session, self._session.cursor() as cursor:
                cursor.executemany(
                    "insert into people (id, note) values (%s, repeat('x', 200))",
                    [(self.inserted + number,) for number in range(5)],
                )
            self.inserted += 5
        self._session.close()


def run(settings: Settings, dsn: str, log: Path, *verb: str) -> "subprocess.Popen[bytes]":
    variables = environment(
        settings.lake,
        INGEST_SOURCES='["postgres"]',
        INGEST_POSTGRES_DSN=dsn,
        INGEST_POSTGRES_SLOT=settings.postgres_slot,
        INGEST_BATCH_SECONDS="0.2",
        INGEST_REST_PORT="0",
    )
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", "ingest", *verb], env=variables, stderr=output)


def stray_files(lake: LakeSettings, table: str) -> set[str]:
    """Data files on disk that the newest snapshot does not name."""
    found = open_catalog(lake).load_table(f"bronze.{table}")
    named = {str(task.file.file_path) for task in found.scan().plan_files()}
    folder = Path(unquote(urlsplit(found.location()).path)) / "data"
    return {path.name for path in folder.rglob("*.parquet")} - {name.rpartition("/")[2] for name in named}


def test_sigterm_loses_nothing_and_leaves_no_batch_behind(settings: Settings, dsn: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    moments, log, writer = random.Random(seed), tmp_path / "ingest.log", Writer(dsn)  # noqa: S311 - a seeded script
    log.touch()
    writer.start()
    try:
        for _ in range(STOPS):
            stop_one(settings, dsn, log, moments)
    finally:
        writer.stopping.set()
        writer.join()
    child = run(settings, dsn, log, "run")
    try:
        waiting = run(settings, dsn, log, "wait", "--timeout-seconds", "60")
        assert waiting.wait(90) == 0, log.read_text()[-3000:]
    finally:
        child.terminate()
        assert child.wait(40) == 0
    rows = bronze(settings.lake, "bronze_postgres__people")
    assert Counter(int(str(row["id"])) for row in rows) == Counter(range(writer.inserted))
    assert "nothing is published yet" in log.read_text()


def stop_one(settings: Settings, dsn: str, log: Path, moments: random.Random) -> None:
    """Run until changes are committed, stop at some moment after, and look at what is left."""
    since = log.stat().st_size
    child = run(settings, dsn, log, "run")
    try:
        committed = '"table": "bronze_postgres__people"'
        wait_until(lambda: log.read_text()[since:].count(committed) >= 2, deadline_seconds=60, what="commits")
        threading.Event().wait(moments.uniform(0, 1))
        child.terminate()
        assert child.wait(40) == 0, log.read_text()[-3000:]
    finally:
        child.kill()
        child.wait(30)
    # Each start tells its streams first, in the log like all else.
    assert json.loads(log.read_text()[since:].splitlines()[0])["event"] == "stream"
    assert settings.postgres_dsn is not None
    assert dsn not in log.read_text()
    assert stray_files(settings.lake, "bronze_postgres__people") == set()
