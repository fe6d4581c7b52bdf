"""The REST door and the command line."""

import threading
from pathlib import Path

import httpx
import pytest
from ingest import rest
from ingest.__main__ import EXIT_FAILED, EXIT_USAGE, main
from ingest.pump import Pace, Pump, State
from ingest.settings import Settings
from ingest.sink import InMemorySink
from ingest_builders import ScriptedSource, environment
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.settings import LakeSettings


@pytest.fixture
def settings(lake_settings: LakeSettings, jwks_file: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SHOPSPHERE_AUTH_JWKS_FILE", str(jwks_file))
    return Settings(lake=lake_settings)


async def test_readiness_names_the_source_that_is_away(settings: Settings) -> None:
    pump = Pump(ScriptedSource("", []), InMemorySink(SystemClock()), Pace(1, 1), threading.Event())
    transport = httpx.ASGITransport(app=rest.app(settings, [pump]))
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).json()["checks"] == {"scripted": "Unavailable"}
        pump.state = State.RUNNING
        assert (await client.get("/readyz")).status_code == 200
        assert "shopsphere_ingest_rows_total" in (await client.get("/metrics")).text


def test_a_missing_setting_is_named(
    lake_settings: LakeSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status"]) == EXIT_USAGE
    assert "catalog_uri" in capsys.readouterr().err
    for name, value in environment(lake_settings).items():
        monkeypatch.setenv(name, value)
    assert main(["status"]) == EXIT_FAILED
    assert "INGEST_POSTGRES_DSN is not set" in capsys.readouterr().err
