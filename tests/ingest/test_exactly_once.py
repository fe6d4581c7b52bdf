"""Any batching and any crash: the same rows, each once."""

import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingest.batch import Pace
from ingest.errors import SourceUnavailable
from ingest.pump import Pump, Pumps, State
from ingest.sink import COMMITTED, QUARANTINED, STAGED, InMemorySink
from ingest.sources.source import Positions
from ingest_builders import TABLE, ScriptedSource
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.waiting import wait_until

LETTERS = st.text("abc!", max_size=30)
# A crash at the n-th pass of a point of the append; the process is gone and a new one starts.
CRASHES = st.lists(st.tuples(st.sampled_from([STAGED, QUARANTINED, COMMITTED]), st.integers(1, 4)), max_size=6)
SIZES = st.lists(st.integers(1, 7), max_size=20)


class CrashError(BaseException):
    """The process is killed here."""


class CrashingAt:
    """A fault that kills at the n-th pass of one point."""

    def __init__(self, point: str, countdown: int) -> None:
        self._point = point
        self._countdown = countdown

    def __call__(self, point: str) -> None:
        if point == self._point:
            self._countdown -= 1
            if self._countdown == 0:
                raise CrashError


def run_until_dry(source: ScriptedSource, sink: InMemorySink) -> None:
    pump = Pump(source, sink, Pace(10, 0.01), threading.Event())
    pump.open()
    while pump.step():
        pass


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(LETTERS, SIZES, CRASHES)
def test_any_batching_and_any_crash_give_every_row_once(
    letters: str, sizes: list[int], crashes: list[tuple[str, int]]
) -> None:
    sink = InMemorySink(SystemClock())
    for crash in crashes:
        sink.fault = CrashingAt(*crash)
        try:
            run_until_dry(ScriptedSource(letters, list(sizes)), sink)
        except CrashError:
            continue
    sink.fault = lambda _: None
    run_until_dry(ScriptedSource(letters, list(sizes)), sink)
    assert "".join(str(row["letter"]) for row in sink.rows[TABLE]) == letters.replace("!", "")
    assert len(sink.quarantined) == letters.count("!")


def test_a_second_writer_stops_the_first_with_a_reason() -> None:
    sink, stop, told = InMemorySink(SystemClock()), threading.Event(), threading.Event()
    stale = Pump(ScriptedSource("abcd", [1, 1]), sink, Pace(1, 0.01), stop)
    stale.open()
    assert stale.step() == 1
    run_until_dry(ScriptedSource("abcd", [1]), sink)

    class Resumed(Pump):
        def open(self) -> None:
            self._source.open(lambda _: None)
            self._recorded = dict(stale._recorded)

    pumps = Pumps([Resumed(ScriptedSource("abcd", [1]), sink, Pace(1, 0.01), stop)], stop, told.set)
    pumps.start()
    assert told.wait(10)
    pumps.stop(seconds=10)
    assert pumps.pumps[0].state is State.FAILED
    assert pumps.failures["scripted"].reason == "writer_fenced"
    assert "".join(str(row["letter"]) for row in sink.rows[TABLE]) == "abcd"


class AwaySource(ScriptedSource):
    """A source whose server is away for the first times it is opened."""

    away = 2

    def open(self, positions: Positions) -> None:
        if self.away:
            self.away -= 1
            raise SourceUnavailable("the server is away")
        super().open(positions)


def test_a_source_that_comes_back_is_read_on_and_stopping_commits_what_was_read() -> None:
    sink, stop = InMemorySink(SystemClock()), threading.Event()
    pumps = Pumps([Pump(AwaySource("abcd", [1, 1, 1, 1]), sink, Pace(1, 0.01), stop)], stop)
    pumps.start()
    wait_until(lambda: len(sink.rows.get(TABLE, [])) == 4, deadline_seconds=20, what="all letters")
    assert pumps.pumps[0].state is State.RUNNING
    pumps.stop(seconds=10)
    assert (pumps.pumps[0].state, pumps.failures) == (State.STOPPED, {})
