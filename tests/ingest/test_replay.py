"""Quarantined records through new code: each good row is added once, whatever happens meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict

import pyarrow as pa
import pytest
from ingest import replay
from ingest.batch import Batch, Chunk, Rejected
from ingest.iceberg_repair import IcebergRepair
from ingest.position import KafkaPosition, encode, kafka_row
from ingest.replay import ADDED, Outcome, Replay, Selection
from ingest.sink import IcebergSink, append
from ingest.sources.kafka_again import KafkaAgain
from ingest.tables import KAFKA_SCHEMA, QUARANTINE
from ingest_builders import NOON, bronze, bronze_tables
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings

TABLE, SOURCE = "bronze_kafka__letters", "kafka:letters"
EVERYTHING = Selection()
GOOD, BAD, WORSE = b"good", b"bad", b"worse"


def a_record(offset: int, value: bytes = BAD, reason: str = "not_json", source: str = SOURCE) -> Rejected:
    return Rejected(source, kafka_row(0, offset), reason, "a test says so", value, b"key", '[["h", null]]')


def rows_of(offsets: Iterable[int], value: bytes = GOOD, **more: object) -> pa.Table:
    rows = [
        {
            "topic": "letters",
            "partition": 0,
            "offset": offset,
            "value": value,
            "_position": kafka_row(0, offset),
            "_committed_at": NOON,
            **more,
        }
        for offset in offsets
    ]
    extra = [pa.field(name, pa.string()) for name in more if name not in KAFKA_SCHEMA.names]
    return pa.Table.from_pylist(rows, pa.schema([*KAFKA_SCHEMA, *extra]))


class Lake:
    """A lake whose stream has come to an offset."""

    def __init__(self, settings: LakeSettings) -> None:
        self.settings = settings
        self.sink = IcebergSink(bronze_tables(settings), SystemClock())
        self.recorded: str | None = None

    def stream(self, end: int, rows: pa.Table, rejected: Sequence[Rejected] = ()) -> None:
        """What a running ingest does: rows, rejects and the offset after them."""
        position = KafkaPosition({0: end})
        batch = Batch(TABLE, SOURCE, [Chunk(rows, rejected)], position)
        append(self.sink, batch, expected=self.recorded, position=encode(position))
        self.recorded = encode(position)

    def replay(
        self,
        *,
        bad: bytes = WORSE,
        selection: Selection = EVERYTHING,
        dry_run: bool = False,
        fault: Callable[[str], None] = lambda _: None,
    ) -> Outcome:
        """Replay with code that rejects only values equal to `bad`."""

        def faults(_: str, __: object, values: Sequence[bytes | None]) -> Mapping[int, object]:
            return {place: "bad" for place, value in enumerate(values) if value == bad}

        repair = IcebergRepair(open_catalog(self.settings))
        readers = {"kafka": KafkaAgain(faults, repair.times)}
        run = Replay(bronze_tables(self.settings), repair, readers, SystemClock(), fault)
        return run.run(selection, dry_run=dry_run)

    def offsets(self) -> list[int]:
        return [int(str(row["offset"])) for row in bronze(self.settings, TABLE)]

    def quarantined(self) -> list[str]:
        return [str(row["position"]) for row in bronze(self.settings, QUARANTINE)]


@pytest.fixture
def lake(lake_settings: LakeSettings) -> Lake:
    return Lake(lake_settings)


def test_what_became_good_moves_and_what_did_not_stays(lake: Lake) -> None:
    lake.stream(3, rows_of([0]), [a_record(1), a_record(2, WORSE)])
    assert lake.replay().as_json() == {
        "dry_run": False,
        "replayed": 1,
        "already_there": 0,
        "still_rejected": 1,
        "not_reached": 0,
        "source_away": 0,
        "records": [
            {
                "source": SOURCE,
                "reason": "not_json",
                "replayed": 1,
                "already_there": 0,
                "still_rejected": 1,
                "not_reached": 0,
                "source_away": 0,
            }
        ],
    }
    rows = bronze(lake.settings, TABLE)
    assert [(row["offset"], row["value"], row["key"], row["headers"]) for row in rows[1:]] == [
        (1, BAD, b"key", '[["h", null]]')
    ]
    assert lake.quarantined() == [kafka_row(0, 2)]
    (left,) = bronze(lake.settings, QUARANTINE)
    assert (left["reason"], left["value"]) == ("not_json", WORSE)


def test_the_position_stays_where_the_stream_left_it(lake: Lake) -> None:
    lake.stream(2, rows_of([0]), [a_record(1)])
    lake.replay()
    assert lake.sink.position(TABLE) == lake.recorded
    lake.stream(3, rows_of([2]))
    assert lake.offsets() == [0, 1, 2]


class KilledError(BaseException):
    """The process is killed here."""


def test_a_kill_between_the_two_steps_repeats_harmlessly(lake: Lake) -> None:
    lake.stream(2, rows_of([0]), [a_record(1)])

    def kill(moment: str) -> None:
        if moment == ADDED:
            raise KilledError

    with suppress(KilledError):
        lake.replay(fault=kill)
    assert (lake.offsets(), lake.quarantined()) == ([0, 1], [kafka_row(0, 1)])
    assert asdict(lake.replay().total())["already_there"] == 1
    assert (lake.offsets(), lake.quarantined()) == ([0, 1], [])


def test_a_record_that_the_stream_has_not_passed_is_left_to_the_stream(lake: Lake) -> None:
    """Its batch was rejected but not committed: the stream reads it again, and would bring the row a second time."""
    lake.stream(1, rows_of([0]))
    lake.sink.stage(Batch(TABLE, SOURCE, [Chunk(rows_of([]), [a_record(1)])], None))
    assert lake.replay().total().not_reached == 1
    assert (lake.offsets(), lake.quarantined()) == ([0], [kafka_row(0, 1)])
    lake.stream(2, rows_of([1]))
    assert lake.replay().total().already_there == 1
    assert (lake.offsets(), lake.quarantined()) == ([0, 1], [])


def test_a_dry_run_counts_and_changes_nothing(lake: Lake) -> None:
    lake.stream(3, rows_of([0]), [a_record(1), a_record(2, WORSE)])
    total = lake.replay(dry_run=True).total()
    assert (total.replayed, total.still_rejected) == (1, 1)
    assert (lake.offsets(), len(lake.quarantined())) == ([0], 2)


def test_source_and_reason_select(lake: Lake) -> None:
    others = [a_record(2, reason="not_utf8"), a_record(1, source="kafka:others"), a_record(5, source="scripted")]
    lake.stream(3, rows_of([0]), [a_record(1), *others])
    assert lake.replay(selection=Selection(SOURCE, "not_json")).total().replayed == 1
    assert lake.offsets() == [0, 1]
    total = lake.replay(selection=Selection(source="kafka")).total()
    assert (total.replayed, total.not_reached) == (1, 1)  # nothing of the other topic is in bronze yet
    assert lake.replay(selection=Selection(source="nobody")).as_json()["records"] == []
    assert lake.replay(selection=Selection(source="scripted")).total().still_rejected == 1


def test_a_raw_row_marked_as_rejected_is_no_good_row_and_gives_its_time(lake: Lake) -> None:
    lake.stream(2, rows_of([0], _rejected=None))
    lake.stream(3, rows_of([1], BAD, _rejected="not_json"), [a_record(1)])
    assert lake.replay().total().replayed == 1
    rows = [row for row in bronze(lake.settings, TABLE) if row["offset"] == 1]
    assert Counter(row["_rejected"] for row in rows) == {"not_json": 1, None: 1}
    assert {row["_committed_at"] for row in rows} == {NOON}
    assert lake.replay().total() == replay.Counts()


def test_records_are_taken_a_few_at_a_time(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "RECORDS", 3)
    lake.stream(21, rows_of([0]), [a_record(offset, WORSE if offset % 5 == 0 else BAD) for offset in range(1, 21)])
    total = lake.replay().total()
    assert (total.replayed, total.still_rejected) == (16, 4)
    assert (len(lake.offsets()), len(lake.quarantined())) == (17, 4)


def test_replays_beside_a_running_ingest_and_beside_each_other(lake: Lake) -> None:
    """Neither is fenced, no row is lost or twice: the writer quarantines every third record while two replays run."""
    lake.stream(1, rows_of([0]))
    done = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for start in range(1, 46, 3):
                lake.stream(start + 3, rows_of([start, start + 1]), [a_record(start + 2)])
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            failures.append(error)
        finally:
            done.set()

    def replay_on() -> None:
        try:
            while not done.is_set():
                lake.replay()
        except BaseException as error:  # noqa: BLE001 - as above
            failures.append(error)

    threads = [threading.Thread(target=work) for work in (write, replay_on, replay_on)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    lake.replay()
    assert lake.offsets() == list(range(46))
    assert lake.quarantined() == []
