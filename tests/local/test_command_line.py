import json
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.settings import AuthSettings
from shopsphere_local.__main__ import main, parser
from shopsphere_local.state import State


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    made = State((tmp_path / "state").resolve())
    monkeypatch.setenv("SHOPSPHERE_STATE_DIR", str(made.root))
    return made


def test_the_demo_takes_days_once_report_and_port_base() -> None:
    args = parser().parse_args(["demo", "--days", "7", "--once", "--report", "build/demo.json", "--port-base", "19000"])
    assert (args.days, args.once, args.report, args.port_base) == (7, True, Path("build/demo.json"), 19000)


def test_the_demo_replays_28_days_by_default_and_a_year_at_most() -> None:
    assert parser().parse_args(["demo"]).days == 28
    with pytest.raises(SystemExit):
        parser().parse_args(["demo", "--days", "366"])


def test_a_minted_token_verifies_and_carries_the_scopes(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--scope", "a.b.read", "--scope", "c.d.read c.d.write", "--minutes", "5"]) == 0
    token = capsys.readouterr().out.strip()
    caller = TokenVerifier(AuthSettings(jwks_file=state.jwks_file, jwks_url=None)).verify(token)
    assert caller.client_id == "dev"
    assert caller.scopes == {"a.b.read", "c.d.read", "c.d.write"}
    claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["exp"] - claims["iat"] == 300


def test_status_and_down_say_that_nothing_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 3
    assert main(["down"]) == 0
    assert "Nothing was running" in capsys.readouterr().out


def test_an_unknown_process_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "kafak"]) == 1
    assert "no process 'kafak'; known are customer360-serve" in capsys.readouterr().err


def test_sql_before_the_first_release_names_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "select 1"]) == 1
    assert "shopsphere demo" in capsys.readouterr().err


def test_reset_erases_when_told(state: State) -> None:
    state.prepare()
    assert main(["reset", "--yes"]) == 0
    assert not state.data.exists()
