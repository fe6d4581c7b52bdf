"""One seed of the workload: a database of its own, read while it changes, and compared in the end."""

import random
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from ingest import bootstrap
from ingest.pump import Pumps
from ingest.settings import Settings
from ingest_builders import environment
from ingest_torture import chance as chances
from ingest_torture import lake_verdict, postgres_verdict
from ingest_torture.catching_up import catch_up
from ingest_torture.children import PATIENCE_SECONDS, Child, NurseryProcess
from ingest_torture.lake_verdict import a_lake
from ingest_torture.own_database import own_database
from ingest_torture.workload import Transaction, Workload
from psycopg2.extensions import connection, parse_dsn
from pydantic import SecretStr

TRANSACTIONS = 60
BATCH_SECONDS = 0.05
# Kills of a run whose reader is a child.
KILLS = 2


class Run:
    """One seed; every second one reads with children that are killed, the others with pumps in this process."""

    def __init__(self, seed: int, server: str, folder: Path, nursery: NurseryProcess) -> None:
        self._seed, self._server, self._folder, self._nursery = seed, server, folder, nursery
        self._lake = a_lake(folder)
        self._chance = chances.stream(seed, "run")
        self._children = 0

    def problems(self) -> list[str]:
        """Play the workload; returns what is wrong in the end, in words."""
        with own_database(self._server) as dsn, closing(psycopg2.connect(dsn)) as session:
            workload = Workload(self._seed)
            early = self._chance.randint(0, TRANSACTIONS // 3)
            story = [*workload.beginning(), *workload.story(TRANSACTIONS)]
            first = len(story) - TRANSACTIONS + early
            _play(session, story[:first])
            reading = self._killed_children if self._seed % 2 else self._pumps
            reading(dsn, session, story[first:])
            tables = workload.tables.values()
            return [*lake_verdict.problems(self._lake), *postgres_verdict.problems(dsn, self._lake, tables)]

    def _settings(self, dsn: str) -> Settings:
        return Settings(
            sources=["postgres"],
            postgres_dsn=SecretStr(dsn),
            postgres_slot=_slot(dsn),
            batch_seconds=BATCH_SECONDS,
            batch_rows=500,
            lake=self._lake,
        )

    def _pumps(self, dsn: str, session: connection, story: list[Transaction]) -> None:
        settings, stop = self._settings(dsn), threading.Event()
        pumps = Pumps(bootstrap.pumps(settings, stop), stop)
        pumps.start()
        try:
            _play(session, story)
            catch_up(settings, alive=lambda: not pumps.failures, story=lambda: str(pumps.failures))
        finally:
            pumps.stop(seconds=PATIENCE_SECONDS)
        assert pumps.failures == {}, pumps.failures

    def _killed_children(self, dsn: str, session: connection, story: list[Transaction]) -> None:
        cuts = sorted(self._chance.sample(range(1, len(story)), KILLS))
        for start, end in zip([0, *cuts], [*cuts, len(story)], strict=True):
            with self._child(dsn) as child:
                _play(session, story[start:end])
                if end == len(story):
                    catch_up(self._settings(dsn), alive=lambda: child.alive, story=lambda: child.tail)
                else:
                    threading.Event().wait(self._chance.uniform(0, 0.5))

    @contextmanager
    def _child(self, dsn: str) -> Iterator[Child]:
        self._children += 1
        variables = environment(
            self._lake,
            INGEST_SOURCES='["postgres"]',
            INGEST_POSTGRES_DSN=dsn,
            INGEST_POSTGRES_SLOT=_slot(dsn),
            INGEST_BATCH_SECONDS=str(BATCH_SECONDS),
            INGEST_BATCH_ROWS="500",
            INGEST_REST_PORT="0",
        )
        child = self._nursery.start(variables, self._folder / f"child-{self._children}.log")
        try:
            yield child
            assert child.alive, child.tail
        finally:
            child.kill()


def _slot(dsn: str) -> str:
    return f"slot_{parse_dsn(dsn)['dbname']}"


def _play(session: connection, story: list[Transaction]) -> None:
    for transaction in story:
        with session.cursor() as cursor:
            for statement in transaction.statements:
                cursor.execute(statement)
        if transaction.committed:
            session.commit()
        else:
            session.rollback()


def seeds(seed: int, count: int) -> list[int]:
    """The seeds of that many runs; the first is the given one, so that one run repeats it."""
    drawn: random.Random = chances.stream(seed, "seeds")
    return [seed, *(drawn.randrange(2**32) for _ in range(count - 1))]
