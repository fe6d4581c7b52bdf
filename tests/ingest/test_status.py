"""What `status` says of tables and streams, on a terminal and as JSON, and the table that `run` begins with."""

import io
import json
import sys
import uuid
from collections.abc import Sequence
from threading import Event
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from ingest import bootstrap, start_table
from ingest.__main__ import main
from ingest.batch import Batch, Chunk
from ingest.errors import SourceUnavailable
from ingest.iceberg_repair import IcebergRepair
from ingest.position import KafkaPosition, encode, kafka_row
from ingest.pump import Pump
from ingest.settings import Settings
from ingest.sink import IcebergSink, append
from ingest.sources.source import Positions
from ingest.sources.streams import Lag, Stream
from ingest.status import status
from ingest.status_text import status_text
from ingest.tables import kafka_table
from ingest_builders import NOON, TABLE, a_chunk, a_rejected, bronze_tables, environment, execute
from prometheus_client import REGISTRY
from pydantic import SecretStr
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.file_sizes import crowded, files_allowed, files_beyond
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import KafkaSettings, LakeSettings


class ScriptedProgress:
    """A source that is three events behind, or away."""

    def __init__(self, name: str = "scripted", *, away: bool = False) -> None:
        self.name, self._away = name, away

    def mark(self) -> None:
        if self._away:
            raise SourceUnavailable("nobody answers at db-7")

    def behind(self, positions: Positions) -> Sequence[str]:
        return ["3 records"] if positions(TABLE) else ["nothing is there"]

    def streams(self) -> Sequence[Stream]:
        return [Stream(self.name, TABLE, "topic letters")]

    def lag(self, positions: Positions) -> Lag:
        return Lag(events=3)


@pytest.fixture
def lake(lake_settings: LakeSettings) -> LakeSettings:
    """Two commits in one partition, and two rejected records of one source."""
    sink = IcebergSink(bronze_tables(lake_settings), SystemClock())
    recorded = None
    for number in range(2):
        position = KafkaPosition({0: 2 * number + 2})
        chunk = Chunk(a_chunk("a", first=2 * number).rows, [a_rejected(kafka_row(0, 2 * number + 1))])
        append(sink, Batch(TABLE, "scripted", [chunk], position), expected=recorded, position=encode(position))
        recorded = encode(position)
    return lake_settings


def report_of(lake: LakeSettings, *sources: ScriptedProgress) -> dict[str, Any]:
    repair = IcebergRepair(open_catalog(lake))
    return status(bronze_tables(lake), sources, repair, {}, SystemClock())


def test_a_stream_is_told_with_its_table_lag_files_and_quarantine(lake: LakeSettings) -> None:
    report = report_of(lake, ScriptedProgress())
    table = report["tables"][TABLE]
    assert (table["rows"], table["files"], table["small_files"], table["partitions"]) == (2, 2, 2, 1)
    assert (table["files_beyond"], table["crowded_partitions"]) == (1, 1)
    assert 0 <= table["age_seconds"] < 600
    assert report["behind"] == {"scripted": ["3 records"]}
    (stream,) = report["streams"]
    assert (stream["table"], stream["lag_events"], stream["position"]) == (TABLE, 3, encode(KafkaPosition({0: 4})))
    # The source cannot tell when what is missing was made; it was after the newest row that is there.
    assert stream["lag_seconds"] > 0
    assert report["quarantine"] == [{"source": "scripted", "reason": "not_json", "records": 2}]


def test_the_last_commit_of_a_stream_tells_how_far_it_was_behind(lake: LakeSettings) -> None:
    behind = REGISTRY.get_sample_value("shopsphere_ingest_lag_seconds", {"stream": TABLE})
    assert behind == pytest.approx((SystemClock().now() - NOON).total_seconds(), abs=600)


def test_a_source_that_is_away_is_told_beside_the_others(lake: LakeSettings) -> None:
    report = report_of(lake, ScriptedProgress(), ScriptedProgress("gone", away=True))
    assert report["behind"]["gone"] == ["away: nobody answers at db-7"]
    text = status_text(report)
    assert text[0].split()[:3] == ["source", "bronze", "table"]
    assert "0:4" in text[1]
    assert "3 events" in text[1]
    assert "1 in 1 of 1 partitions" in text[1]
    assert "gone is away: nobody answers at db-7" in text
    assert text[-1].split() == ["scripted", "not_json", "2"]


def test_an_empty_lake_has_a_status(lake_settings: LakeSettings) -> None:
    report = report_of(lake_settings, ScriptedProgress())
    assert (report["tables"], report["quarantine"]) == ({}, [])
    assert "not copied yet" in status_text(report)[1]


@pytest.mark.parametrize(
    ("sizes", "beyond"), [([], 0), ([1], 0), ([1, 1], 1), ([64, 64], 0), ([64, 64, 1], 0), ([40, 40, 40], 1)]
)
def test_files_beyond_what_their_bytes_deserve(sizes: list[int], beyond: int) -> None:
    assert files_beyond(sizes, 64) == beyond
    assert crowded([sizes, [1]], 64) == int(beyond > 0)
    assert files_allowed(0, 64) == 1


def test_the_start_table_says_from_where_each_stream_goes_on(lake: LakeSettings) -> None:
    recorded = bronze_tables(lake).position
    rows = start_table.start_table([ScriptedProgress(), ScriptedProgress("gone", away=True)], recorded)
    assert rows == [("scripted", TABLE, "0:4", "topic letters"), ("gone", "", "away", "")]
    terminal = Terminal()
    start_table.tell(rows, terminal)
    assert [line.split() for line in terminal.getvalue().splitlines()] == [
        ["source", "bronze", "table", "from", "through"],
        ["scripted", TABLE, "0:4", "topic", "letters"],
        ["gone", "away"],
    ]


class Terminal(io.StringIO):
    """Text that a person reads."""

    def isatty(self) -> bool:
        return True


class SilentProgress(ScriptedProgress):
    """A source whose server takes the connection and says nothing until the test is over."""

    def __init__(self) -> None:
        super().__init__("silent")
        self.answer = Event()

    def mark(self) -> None:
        self.answer.wait(30)


def test_a_silent_source_does_not_hold_the_start_table_back(
    lake: LakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_table, "ANSWER_SECONDS", 0.1)
    silent = SilentProgress()
    rows = start_table.start_table([silent, ScriptedProgress()], bronze_tables(lake).position)
    silent.answer.set()
    assert [row[:2] for row in rows] == [("silent", ""), ("scripted", TABLE)]
    assert rows[0][2] == "away"


@pytest.mark.servers
def test_status_of_a_postgres_stream(
    settings: Settings, dsn: str, pump: Pump, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [start for _, _, start, _ in bootstrap.starts(settings)] == ["nothing is published yet"]
    execute(dsn, "create publication shopsphere for all tables")
    assert [start for _, _, start, _ in bootstrap.starts(settings)] == ["will be copied"] * 2
    pump.open()
    while pump.step():
        pass
    assert not {start for _, _, start, _ in bootstrap.starts(settings)} & {"will be copied", "away"}
    execute(dsn, "insert into people (id, name) select n, repeat('x', 1000) from generate_series(1, 99) n")
    report = bootstrap.current_status(settings)
    (stream,) = [line for line in report["streams"] if line["table"] == "bronze_postgres__people"]
    assert stream["lag_bytes"] > 99_000
    slot = report["slots"][settings.postgres_slot]
    assert slot["retained_bytes"] >= slot["lag_bytes"] > 99_000
    assert (slot["alarm"], slot["limit_bytes"]) == (False, 2**30)
    variables = environment(
        settings.lake,
        INGEST_SOURCES='["postgres"]',
        INGEST_POSTGRES_DSN=dsn,
        INGEST_POSTGRES_SLOT=settings.postgres_slot,
    )
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["status"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"at", "tables", "behind", "streams", "slots", "quarantine"}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["status"]) == 0
    printed = capsys.readouterr().out
    assert f"slot {settings.postgres_slot}" in printed


@pytest.mark.servers
def test_lag_of_a_topic_is_counted_in_events_and_since_the_oldest_of_them(
    kafka_bootstrap: str, lake_settings: LakeSettings
) -> None:
    topic = f"t{uuid.uuid4().hex[:12]}"
    settings = Settings(
        sources=["kafka"],
        kafka=KafkaSettings(bootstrap_servers=kafka_bootstrap),
        kafka_topics=[topic],
        lake=lake_settings,
    )
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(topic, 2, 1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    hour_ago = int(SystemClock().now().timestamp() * 1000) - 3_600_000
    for number in range(5):
        producer.produce(topic, b"{}", partition=number % 2, timestamp=hour_ago + number * 60_000)
    assert producer.flush(30) == 0
    (progress,) = bootstrap.progress(settings)
    progress.mark()
    sink = IcebergSink(bronze_tables(lake_settings), SystemClock())
    batch = Batch(kafka_table(topic), f"kafka:{topic}", [a_chunk("a")], KafkaPosition({0: 1}))
    append(sink, batch, expected=None, position=encode(KafkaPosition({0: 1})))
    (stream,) = bootstrap.current_status(settings)["streams"]
    admin.delete_topics([topic])[topic].result(30)
    assert stream["lag_events"] == 4
    assert 3_500 < stream["lag_seconds"] < 3_600


@pytest.mark.servers
def test_every_source_away_still_has_a_status_and_a_start_table(lake_settings: LakeSettings) -> None:
    settings = Settings(
        sources=["postgres"], postgres_dsn=SecretStr("postgresql://someone:secret@127.0.0.1:1/shop"), lake=lake_settings
    )
    report = bootstrap.current_status(settings)
    assert report["behind"]["postgres:shop"][0].startswith("away: ")
    starts = bootstrap.starts(settings)
    assert starts == [("postgres:shop", "", "away", "")]
    assert "secret" not in json.dumps(report, default=str) + str(starts)
