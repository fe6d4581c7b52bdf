"""What a start says when its settings or its servers are not as they should be: one line, no secret, no traceback."""

import os
import subprocess
import sys

import pytest

SECRET = "3vNq81xT"


def start(verb: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "INVENTORY_START_DEADLINE_SECONDS": "0", **variables}
    return subprocess.run(
        [sys.executable, "-m", "inventory", verb], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"INVENTORY_REST_PORT": SECRET},
        {"INVENTORY_REDIS_URL": f"redis:/:{SECRET}@redis"},
        {"INVENTORY_REDIS_URL": f"redis://:{SECRET}/@redis:6379/0"},
        {"INVENTORY_REDIS_URL": f"redis://redis:{SECRET}/0"},
    ],
    ids=["port", "scheme", "password not encoded", "port of Redis"],
)
def test_wrong_settings_are_named_without_their_values(variables: dict[str, str]) -> None:
    ended = start("audit", **variables)
    assert ended.returncode == 2
    assert next(iter(variables)) in ended.stderr
    assert SECRET not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_redis_that_is_away_is_told_in_one_line() -> None:
    ended = start("audit", INVENTORY_REDIS_URL=f"redis://:{SECRET}@127.0.0.1:1/0")
    assert ended.returncode == 69
    assert "INVENTORY_REDIS_URL" in ended.stderr
    assert SECRET not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.servers
def test_a_redis_that_refuses_the_password_is_told_at_once(redis_url: str) -> None:
    address = redis_url.rpartition("@")[2]
    ended = start("audit", INVENTORY_REDIS_URL=f"redis://:{SECRET}@{address}", INVENTORY_START_DEADLINE_SECONDS="30")
    assert (ended.returncode, SECRET in ended.stderr) == (69, False)
    assert "refuses the password" in ended.stderr
