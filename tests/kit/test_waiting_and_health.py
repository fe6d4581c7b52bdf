import asyncio

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from shopsphere_kit.errors import Unavailable
from shopsphere_kit.health import Readiness
from shopsphere_kit.settings import Environment, password_in, read, refuse_placeholders
from shopsphere_kit.waiting import await_until, wait_until


def test_waiting_ends_as_soon_as_the_condition_holds() -> None:
    answers = iter([False, False, True])
    wait_until(lambda: next(answers), deadline_seconds=5, what="the third answer", poll_seconds=0)


def test_waiting_in_vain_names_what_was_waited_for() -> None:
    with pytest.raises(TimeoutError, match="the sun"):
        wait_until(lambda: False, deadline_seconds=0, what="the sun")


async def test_waiting_for_a_coroutine_does_the_same() -> None:
    async def never() -> bool:
        return False

    with pytest.raises(TimeoutError, match="the moon"):
        await await_until(never, deadline_seconds=0, what="the moon")


async def test_a_check_that_raises_is_named_by_its_class_and_the_others_still_run() -> None:
    readiness = Readiness()

    async def fine() -> None:
        return None

    async def away() -> None:
        raise ConnectionRefusedError("secret address")

    async def closed() -> None:
        raise Unavailable("the host db-7 is closed", reason="maintenance")

    readiness.add("redis", away)
    readiness.add("model", fine)
    readiness.add("lake", closed)
    assert await readiness.run() == {
        "redis": "ConnectionRefusedError",
        "model": "ok",
        "lake": "Unavailable: maintenance",
    }


async def test_a_check_that_hangs_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopsphere_kit.health.CHECK_TIMEOUT_SECONDS", 0.01)
    readiness = Readiness()
    readiness.add("slow", asyncio.Event().wait)  # type: ignore[arg-type]
    assert await readiness.run() == {"slow": "TimeoutError"}


def test_placeholders_are_fine_in_development_and_refused_elsewhere() -> None:
    secrets: dict[str, SecretStr | None] = {"X_KEY": SecretStr("Change-Me"), "Y_KEY": None}
    refuse_placeholders(Environment.DEV, secrets)
    with pytest.raises(ValueError, match="X_KEY"):
        refuse_placeholders(Environment.PROD, secrets)


def test_the_password_of_an_address_is_what_is_looked_at() -> None:
    found = password_in(SecretStr("redis://:changeme@host/0"))
    assert found is not None
    assert found.get_secret_value() == "changeme"
    assert password_in(None) is None


class Block(BaseSettings):
    """A block with a prefix of its own."""

    model_config = SettingsConfigDict(env_prefix="BLOCK_", hide_input_in_errors=True)

    size: int = 1


class Knobs(BaseSettings):
    """Settings of a test."""

    model_config = SettingsConfigDict(env_prefix="KNOBS_", hide_input_in_errors=True)

    count: int
    key: SecretStr = Field(min_length=8)
    block: Block = Field(default_factory=Block)


def test_a_wrong_setting_of_a_block_is_named_as_the_block_reads_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KNOBS_COUNT", "1")
    monkeypatch.setenv("KNOBS_KEY", "long enough")
    monkeypatch.setenv("BLOCK_SIZE", "hunter2")
    with pytest.raises(SystemExit):
        read(Knobs)
    assert capsys.readouterr().err.startswith("BLOCK_SIZE: ")


def test_an_address_that_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(ValueError, match="cannot be read") as refused:
        password_in(SecretStr("redis://:hunter2@[host/0"))
    assert "hunter2" not in str(refused.value)


def test_wrong_settings_are_named_without_their_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KNOBS_COUNT", "hunter2")
    monkeypatch.setenv("KNOBS_KEY", "hunter3")
    with pytest.raises(SystemExit) as ended:
        read(Knobs)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert "KNOBS_COUNT: " in said
    assert "KNOBS_KEY: " in said
    assert "hunter" not in said
