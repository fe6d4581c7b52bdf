"""What a child suffers: it dies or stops at the n-th pass of a point of the commit, or its catalog loses answers.

The product has one hook, IcebergSink's `fault`; the points around it are reached by standing in front of the sources
and the catalog that `ingest.bootstrap` opens. So it is the product's own command that runs, in a process of its own.
"""

import os
import random
import signal
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

from ingest import bootstrap
from ingest.sink import COMMITTED, QUARANTINED, STAGED, IcebergSink
from ingest_torture import chance
from shopsphere_kit import lake

READ, COMMITTING, LANDED, ACKNOWLEDGED = "read", "committing", "landed", "acknowledged"
# Between every two steps, in their order: rows read | files written | rejected records in quarantine | the catalog is
# about to take the commit | it has | the sink knows | the source was told.
POINTS = (READ, STAGED, QUARANTINED, COMMITTING, LANDED, COMMITTED, ACKNOWLEDGED)
DIE, STOP = "die", "stop"
KILLED = 137  # what a shell says of a process that was killed with -9


@dataclass(frozen=True)
class Faults:
    """One child's faults, as they travel to it."""

    point: str | None = None
    times: int = 1
    action: str = DIE
    catalog_seed: int | None = None
    catalog_rate: float = 0.25

    def as_dict(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return asdict(self)

    def install(self) -> None:
        """Make this process suffer them."""
        at = _Countdown(self.point, self.times, self.action)
        sources = bootstrap.sources
        errors = chance.stream(self.catalog_seed, "catalog") if self.catalog_seed is not None else None

        def open_catalog(settings: Any) -> Any:
            catalog = lake.open_catalog(settings)
            before = _Catalog(catalog, at, errors, self.catalog_rate)
            patch.multiple(catalog, load_table=before.load_table, commit_table=before.commit_table).start()
            return catalog

        patch.object(bootstrap, "IcebergSink", partial(IcebergSink, fault=at)).start()
        patch.object(bootstrap, "open_catalog", open_catalog).start()
        patch.object(bootstrap, "sources", lambda settings: [_Source(one, at) for one in sources(settings)]).start()


class _Countdown:
    """Acts at the n-th pass of a point; tables pass beside each other, in threads."""

    def __init__(self, point: str | None, times: int, action: str) -> None:
        self._point, self._left, self._action = point, times, action
        self._counting = threading.Lock()
        # A process that stopped inside a transaction of SQLite would lock the catalog for everybody, which is SQLite's
        # way of having one writer, and not what a stale writer is about.
        self.calm: AbstractContextManager[object] = threading.RLock() if action == STOP else nullcontext()

    def __call__(self, point: str) -> None:
        if point != self._point:
            return
        with self._counting:
            self._left -= 1
            if self._left == 0:
                self._act()

    def _act(self) -> None:
        if self._action == DIE:
            os._exit(KILLED)
        with self.calm:
            os.kill(os.getpid(), signal.SIGSTOP)


class _Source:
    """A source whose batches pass a point before they reach the sink, and another once the source was told."""

    def __init__(self, source: Any, at: _Countdown) -> None:
        self._source, self._at = source, at

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def read(self, pace: Any) -> Any:
        batches = self._source.read(pace)
        if batches:
            self._at(READ)
        self._brought = bool(batches)
        return batches

    def acknowledge(self, *arguments: Any, **named: Any) -> Any:
        answer = self._source.acknowledge(*arguments, **named)
        if self._brought:
            self._at(ACKNOWLEDGED)
        return answer


class _Catalog:
    """Stands before a catalog's own methods, so that tables which hold the catalog go through it too.

    A commit passes a point before and after it takes effect, and its answer may get lost at either.
    """

    def __init__(self, catalog: Any, at: _Countdown, errors: random.Random | None, rate: float) -> None:
        self._at, self._errors, self._rate = at, errors, rate
        self._load_table, self._commit_table = catalog.load_table, catalog.commit_table

    def load_table(self, *arguments: Any, **named: Any) -> Any:
        with self._at.calm:
            return self._load_table(*arguments, **named)

    def commit_table(self, *arguments: Any, **named: Any) -> Any:
        self._at(COMMITTING)
        self._lose("before")
        with self._at.calm:
            answer = self._commit_table(*arguments, **named)
        self._at(LANDED)
        self._lose("after")
        return answer

    def _lose(self, when: str) -> None:
        if self._errors is not None and self._errors.random() < self._rate:
            raise OSError(f"the connection was lost {when} the commit took effect")
