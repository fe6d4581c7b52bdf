"""Moves one source into the sink: open, read, commit, acknowledge; again after every failure that passes."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from enum import StrEnum

from shopsphere_kit.errors import ShopSphereError, Unavailable
from shopsphere_kit.logging import get_logger

from ingest import metrics
from ingest.batch import Batch, Pace
from ingest.errors import WriterFenced
from ingest.position import Position, decode, encode
from ingest.sink import BronzeSink, Staged
from ingest.sources.source import Source

# A server that restarts is back within seconds; one that is gone is asked twice a minute.
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.25, 30.0
# Tables of one read that are written at once: their files and their catalog answers wait for disks and networks.
TABLES_AT_ONCE = 8

_log = get_logger(__name__)


class State(StrEnum):
    """What a pump is doing."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    STOPPED = "stopped"
    FAILED = "failed"


class Pump:
    """One source, one thread; `run` returns when stopped, or when going on would be wrong."""

    def __init__(self, source: Source, sink: BronzeSink, pace: Pace, stop: threading.Event) -> None:
        self._source = source
        self._sink = sink
        self._pace = pace
        self._stop = stop
        self._recorded: dict[str, str | None] = {}
        self._staged: dict[str, list[Staged]] = {}
        self.state = State.STARTING
        self.failure: ShopSphereError | None = None
        self.interruption: Unavailable | None = None

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    def run(self) -> None:
        """Move batches until told to stop; what was read is committed before it returns."""
        backoff = FIRST_BACKOFF_SECONDS
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._session()
            except Unavailable as error:
                self.state, self.interruption = State.WAITING, error
                metrics.INTERRUPTIONS.labels(self.name).inc()
                backoff = FIRST_BACKOFF_SECONDS if time.monotonic() - began > LAST_BACKOFF_SECONDS else backoff
                _log.warning("source interrupted", source=self.name, detail=error.detail, again_in_seconds=backoff)
                self._stop.wait(backoff)
                backoff = min(2 * backoff, LAST_BACKOFF_SECONDS)
            except ShopSphereError as error:
                self._fail(error)
                return
            finally:
                self._source.close()
        self.state = State.STOPPED

    def step(self) -> int:
        """Read once and commit what came, tables beside each other; returns the number of batches."""
        batches = self._source.read(self._pace)
        by_table: dict[str, list[Batch]] = {}
        for batch in batches:
            by_table.setdefault(batch.table, []).append(batch)
        if len(by_table) > 1:
            with ThreadPoolExecutor(min(len(by_table), TABLES_AT_ONCE)) as pool:
                list(pool.map(self._take, by_table.values()))
        else:
            deque(map(self._take, by_table.values()), maxlen=0)
        self._source.acknowledge()
        return len(batches)

    def open(self) -> None:
        """Make sure the tables exist and go to the positions they record."""
        self._recorded, self._staged = {}, {}
        for table, schema in self._source.fixed_tables.items():
            self._sink.ensure(table, schema)
        self._source.open(self._position)

    def crash(self, error: Exception) -> None:
        """Count a defect as this source's failure; its message may hold data, so only its type is told."""
        self.state = State.FAILED
        self.failure = ShopSphereError(f"{self.name} crashed: {type(error).__name__}", reason="source_crashed")

    def _session(self) -> None:
        self.open()
        self.state, self.interruption = State.RUNNING, None
        _log.info("source opened", source=self.name)
        while not self._stop.is_set():
            self.step()

    def _take(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            with metrics.COMMIT_SECONDS.labels(batch.table).time():
                staged = self._staged.setdefault(batch.table, [])
                staged.append(self._sink.stage(batch))
                if batch.position is not None:
                    self._commit(batch, encode(batch.position), self._staged.pop(batch.table))

    def _commit(self, batch: Batch, position: str, staged: Sequence[Staged]) -> None:
        appended = self._sink.commit(batch.table, staged, expected=self._text(batch.table), position=position)
        self._recorded[batch.table] = position
        metrics.ROWS.labels(batch.table).inc(appended.rows)
        for reason, count in appended.rejected.items():
            metrics.REJECTED.labels(batch.source, reason).inc(count)
        rejected = sum(appended.rejected.values())
        _log.info("committed", table=batch.table, rows=appended.rows, quarantined=rejected)

    def _position(self, table: str) -> Position | None:
        text = self._text(table)
        return decode(text) if text is not None else None

    def _text(self, table: str) -> str | None:
        if table not in self._recorded:
            self._recorded[table] = self._sink.position(table)
        return self._recorded[table]

    def _fail(self, error: ShopSphereError) -> None:
        self.state, self.failure = State.FAILED, error
        _log.error("source failed", source=self.name, reason=error.reason, detail=error.detail)


class Pumps:
    """All pumps of a process, each in its thread; `on_end` is called when one was fenced or crashed."""

    def __init__(self, pumps: list[Pump], stop: threading.Event, on_end: Callable[[], None] = lambda: None) -> None:
        self.pumps = pumps
        self._stop = stop
        self._on_end = on_end
        # Each thread gets a copy of this one's context, so that its log lines name the service too.
        # Daemons: one that waits for its source longer than it may (a replication slot is not made before the source's
        # open transactions end) is left behind, which loses nothing, for a commit is whole or not there.
        self._threads = [
            threading.Thread(target=copy_context().run, args=(self._run, pump), name=pump.name, daemon=True)
            for pump in pumps
        ]

    def start(self) -> None:
        """Start every pump."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, seconds: float) -> None:
        """Ask every pump to commit what it has and return; wait so long for all of them."""
        self._stop.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def left_behind(self) -> list[str]:
        """The sources that did not come to an end in time."""
        return [thread.name for thread in self._threads if thread.is_alive()]

    @property
    def failures(self) -> dict[str, ShopSphereError]:
        """What the failed pumps failed of, a crash among it."""
        return {pump.name: pump.failure for pump in self.pumps if pump.failure}

    @property
    def fenced(self) -> bool:
        """Whether another process writes the tables now."""
        return any(isinstance(failure, WriterFenced) for failure in self.failures.values())

    def _run(self, pump: Pump) -> None:
        try:
            pump.run()
        except Exception as error:  # noqa: BLE001 - logged, and told by the exit code
            # A defect in one source must not leave the process half alive and silent.
            _log.exception("source crashed", source=pump.name)
            pump.crash(error)
            self._on_end()
        if isinstance(pump.failure, WriterFenced):
            self._on_end()
