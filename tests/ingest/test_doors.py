"""The REST door and the command line."""

import argparse
import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from ingest import __main__ as command
from ingest import bootstrap, rest
from ingest.__main__ import EXIT_FAILED, EXIT_FENCED, EXIT_USAGE, main
from ingest.batch import Pace
from ingest.errors import PositionLost, SourceUnavailable, WriterFenced
from ingest.pump import Pump, Pumps, State
from ingest.settings import Settings
from ingest.sink import InMemorySink
from ingest.sources.source import Positions
from ingest_builders import ScriptedSource, environment
from pydantic import ValidationError
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until


@pytest.fixture
def settings(lake_settings: LakeSettings, jwks_file: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SHOPSPHERE_AUTH_JWKS_FILE", str(jwks_file))
    return Settings(lake=lake_settings)


async def test_readiness_names_the_source_that_is_away(settings: Settings) -> None:
    pump = Pump(ScriptedSource("", []), InMemorySink(SystemClock()), Pace(1, 1), threading.Event())
    transport = httpx.ASGITransport(app=rest.app(settings, [pump]))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).json()["checks"] == {"scripted": "Unavailable: starting"}
        pump.state, pump.interruption = State.WAITING, SourceUnavailable("the host db-7 is away")
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["checks"] == {"scripted": "Unavailable: source_unavailable"}
        assert "db-7" not in answer.text
        pump.state = State.RUNNING
        assert (await client.get("/readyz")).status_code == 200
        assert "shopsphere_ingest_rows_total" in (await client.get("/metrics")).text


def test_a_missing_setting_is_named(
    lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["status"])
    assert ended.value.code == 2
    assert "CATALOG_URI" in capsys.readouterr().err
    for name, value in environment(lake_settings).items():
        monkeypatch.setenv(name, value)
    assert main(["status"]) == EXIT_USAGE
    assert "INGEST_POSTGRES_DSN is not set" in capsys.readouterr().err


def test_a_list_that_is_no_json_is_named(
    lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(lake_settings, INGEST_SOURCES="postgres").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main(["status"])
    assert ended.value.code == 2
    assert "INGEST_SOURCES: is no JSON" in capsys.readouterr().err


class FailingSource(ScriptedSource):
    """A source that breaks in the same way whenever it is opened."""

    error: Exception = KeyError("a defect, with a value that belongs in no log")

    def open(self, positions: Positions) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyError("a defect"), EXIT_FAILED), (PositionLost("gone"), EXIT_FAILED), (WriterFenced("another"), EXIT_FENCED)],
)
def test_the_exit_code_tells_a_supervisor_whether_to_start_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    def pumps(_: Settings, stop: threading.Event) -> list[Pump]:
        source = FailingSource("", [])
        source.error = error
        return [Pump(source, InMemorySink(SystemClock()), Pace(1, 0.1), stop)]

    async def until_signalled(*_: object, **__: object) -> None:
        await asyncio.to_thread(ended.wait, 10)

    ended = threading.Event()
    started = Pumps.start

    def start(running: Pumps) -> None:
        started(running)
        wait_until(lambda: bool(running.failures), deadline_seconds=10, what="the failure")
        ended.set()

    monkeypatch.setattr(Pumps, "start", start)
    monkeypatch.setattr(bootstrap, "pumps", pumps)
    settings.sources = []
    monkeypatch.setattr(command, "serve", until_signalled)
    monkeypatch.setattr("os.kill", lambda *_: ended.set())
    assert command._run(settings, argparse.Namespace()) == code


def test_a_crash_is_a_failure_that_does_not_tell_the_data() -> None:
    stop, told = threading.Event(), threading.Event()
    pump = Pump(FailingSource("", []), InMemorySink(SystemClock()), Pace(1, 0.1), stop)
    pumps = Pumps([pump], stop, told.set)
    pumps.start()
    assert told.wait(10)
    pumps.stop(seconds=10)
    assert (pump.state, pumps.failures["scripted"].reason, pumps.fenced) == (State.FAILED, "source_crashed", False)
    assert pumps.failures["scripted"].detail == "scripted crashed: KeyError"


@pytest.mark.parametrize(
    ("field", "names"),
    [("kafka_topics", ["a-b", "a_b"]), ("mongo_collections", ["x.y", "x_y"]), ("kafka_topics", ["a", "a"])],
)
def test_two_sources_of_one_table_are_refused(lake_settings: LakeSettings, field: str, names: list[str]) -> None:
    with pytest.raises(ValidationError, match="would both be bronze_"):
        Settings(lake=lake_settings, **{field: names})  # type: ignore[arg-type]


def test_a_process_ends_in_time_though_a_source_waits_for_ever(lake_settings: LakeSettings) -> None:
    script = (
        "import threading\n"
        "from ingest import bootstrap\n"
        "from ingest.__main__ import main\n"
        "from ingest_builders import ScriptedSource\n"
        "class Waiting(ScriptedSource):\n"
        "    def open(self, positions): print('waiting', flush=True); threading.Event().wait()\n"
        "bootstrap.sources = lambda _: [Waiting('a', [])]\n"
        "bootstrap.starts = lambda _: []\n"
        "raise SystemExit(main(['run']))\n"
    )
    variables = environment(lake_settings, INGEST_SOURCES="[]", INGEST_STOP_SECONDS="0.5", INGEST_REST_PORT="0")
    variables["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"waiting\n"
        assert any(b"Uvicorn running" in line for line in process.stderr)
        process.terminate()
        _, told = process.communicate(timeout=30)
    assert (process.returncode, b"stopped without waiting longer" in told) == (0, True)
