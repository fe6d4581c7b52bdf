"""What an operator reads when something is wrong: one clear line, no traceback, no secret."""

import logging
import socket
from collections.abc import Iterator

import pytest
from fraud.__main__ import main
from fraud.settings import Settings

UNTIL = "2017-03-01T00:00:00Z"


@pytest.fixture(autouse=True)
def logs_stay_where_they_were() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which no server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    "address",
    ["redis://:hunter22/x@redis:6379/1", "redis//:hunter22@redis:6379/1", "redis://:hunter22@[redis/1", "redis://"],
)
def test_an_address_that_is_none_is_refused_without_showing_its_password(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRAUD_REDIS_URL", address)
    with pytest.raises(SystemExit) as ended:
        main(["serve"])
    (line,) = capsys.readouterr().err.splitlines()
    assert (ended.value.code, "FRAUD_REDIS_URL" in line, "redis://:password@host:port/1" in line) == (2, True, True)
    assert "hunter22" not in line


def test_a_placeholder_password_is_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOPSPHERE_ENVIRONMENT", "prod")
    monkeypatch.setenv("FRAUD_REDIS_URL", "redis://:change-me@redis:6379/1")
    with pytest.raises(SystemExit):
        main(["serve"])
    assert "FRAUD_REDIS_URL holds a placeholder" in capsys.readouterr().err


def test_the_label_worker_says_that_redis_is_away(
    nobody: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FRAUD_REDIS_URL", f"redis://:hunter22@{nobody}/1")
    assert main(["stream"]) == 1
    told = capsys.readouterr().err
    assert told.splitlines()[-1] == "velocity_unavailable: the velocity store does not answer; try again"
    assert "Traceback" not in told
    assert "hunter22" not in told


@pytest.mark.parametrize("verb", [["train"], ["warm", "--until", UNTIL], ["rescore", "--since", UNTIL]])
def test_a_lake_that_is_away_is_one_line_without_its_address(
    verb: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOPSPHERE_LAKE_CATALOG_URI", "postgresql//lake:hunter22@nowhere/lake")
    monkeypatch.setenv("SHOPSPHERE_LAKE_WAREHOUSE", "file:///nowhere")
    assert main(verb) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lake_unavailable: the lake does not answer")
    assert "hunter22" not in line


def test_the_consumer_group_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().stream_app_id == "fraud-labels-worker"
    monkeypatch.setenv("FRAUD_STREAM_APP_ID", "another-group")
    assert Settings().stream_app_id == "another-group"
