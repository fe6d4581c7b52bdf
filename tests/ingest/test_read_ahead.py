"""A source that is read on while its last batch is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Thread

import pytest
from ingest.batch import Batch, Pace
from ingest.errors import SourceUnavailable
from ingest.position import KafkaPosition, encode
from ingest.pump import Pump
from ingest.sink import InMemorySink
from ingest.sources.read_ahead import ReadAhead
from ingest_builders import NOON, TABLE, ScriptedSource
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.waiting import wait_until

PACE = Pace(rows=10, seconds=0.01)


@dataclass
class Watched(ScriptedSource):
    """Letters, and how often they were read; a read may be told to fail."""

    reads: int = 0
    fails_at: int = 0
    closed: Event = field(default_factory=Event)

    def read(self, pace: Pace) -> Sequence[Batch]:
        self.reads += 1
        if self.reads == self.fails_at:
            raise SourceUnavailable("scripted: away")
        return super().read(pace)

    def close(self) -> None:
        self.closed.set()


def a_pump(source: Watched, sink: InMemorySink) -> Pump:
    return Pump(ReadAhead(source), sink, PACE, Event())


def letters(sink: InMemorySink) -> str:
    return "".join(str(row["letter"]) for row in sink.rows[TABLE])


def test_the_next_batch_is_read_before_the_last_one_is_asked_for() -> None:
    source = Watched("abcdef", [2, 2, 2])
    ahead = ReadAhead(source)
    ahead.open(lambda _: None)
    (first,) = ahead.read(PACE)
    wait_until(lambda: source.reads == 2, deadline_seconds=5, what="the read ahead")
    assert first.position == KafkaPosition({0: 2})
    ahead.close()


def test_batches_come_in_their_order() -> None:
    source, sink = Watched("abcdef", [2, 3, 1]), InMemorySink(ManualClock(NOON))
    pump = a_pump(source, sink)
    pump.open()
    for _ in range(3):
        pump.step()
    pump._source.close()
    assert letters(sink) == "abcdef"
    assert sink.position(TABLE) == encode(KafkaPosition({0: 6}))


def test_what_was_read_ahead_and_not_committed_is_read_again() -> None:
    source, sink = Watched("abcdef", [2, 2, 2]), InMemorySink(ManualClock(NOON))
    for _ in range(3):
        pump = a_pump(source, sink)
        pump.open()
        pump.step()
        pump._source.close()
    assert sink.position(TABLE) == encode(KafkaPosition({0: 6}))
    assert letters(sink) == "abcdef"


def test_an_error_of_the_read_ahead_comes_after_the_batch_before_it() -> None:
    source = Watched("abcdef", [2, 2, 2], fails_at=2)
    ahead = ReadAhead(source)
    ahead.open(lambda _: None)
    assert len(ahead.read(PACE)) == 1
    with pytest.raises(SourceUnavailable):
        ahead.read(PACE)
    ahead.close()
    assert source.closed.is_set()


def test_a_pump_that_is_told_to_stop_ends_with_its_reader() -> None:
    source, sink, stop = Watched("abc", [1, 1, 1]), InMemorySink(ManualClock(NOON)), Event()
    pump = Pump(ReadAhead(source), sink, PACE, stop)
    thread = Thread(target=pump.run)
    thread.start()
    wait_until(lambda: sink.position(TABLE) == encode(KafkaPosition({0: 3})), deadline_seconds=5, what="all letters")
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert (letters(sink), source.closed.is_set()) == ("abc", True)
