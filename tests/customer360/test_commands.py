"""The verbs, as an operator runs them."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from customer360.__main__ import main
from customer360_lake import publish, small_gold, write_gold
from shopsphere_kit import lake
from shopsphere_kit.settings import LakeSettings

pytestmark = pytest.mark.filterwarnings("ignore:Delete operation did not match any records:UserWarning")
RELEASE = "R20260101T000000Z-000001"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, lake_settings: LakeSettings, tmp_path: Path) -> None:
    monkeypatch.setenv("SHOPSPHERE_LAKE_CATALOG_URI", lake_settings.catalog_uri)
    monkeypatch.setenv("SHOPSPHERE_LAKE_WAREHOUSE", lake_settings.warehouse)
    monkeypatch.setenv("CUSTOMER360_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def logs_stay_where_they_were() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.fixture
def published(lake_settings: LakeSettings) -> None:
    catalog = lake.open_catalog(lake_settings)
    publish(catalog, RELEASE, datetime(2026, 1, 1, tzinfo=UTC), write_gold(catalog, small_gold()))


def test_load_takes_the_newest_release_once(published: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load"]) == 0
    assert main(["load"]) == 0
    assert main(["load", "--force"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [f"{RELEASE} loaded: 3 profiles", f"{RELEASE} is loaded already", f"{RELEASE} loaded: 3 profiles"]


def test_status_says_what_is_loaded(published: None, capsys: pytest.CaptureFixture[str]) -> None:
    main(["load"])
    capsys.readouterr()
    assert main(["status"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["release_id"], status["profiles"], status["key_matches"]) == (RELEASE, 3, True)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [(["load"], "python -m transform"), (["status"], "customer360 load"), (["load", "--release", "R0"], "R0")],
)
def test_what_cannot_be_done_names_the_remedy(
    arguments: list[str], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert remedy in capsys.readouterr().err


def test_a_sign_in_code_comes_as_a_link(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["signin-code"]) == 0
    assert capsys.readouterr().out.startswith("http://127.0.0.1:18030/dashboard/signin?code=")
    assert main(["signin-code", "--json", "--scope", "customer360.profiles.read"]) == 0
    assert json.loads(capsys.readouterr().out)["scopes"] == ["customer360.profiles.read"]
    assert main(["signin-code", "--scope", "fraud.scores.write"]) == 1


def test_a_lake_that_is_away_is_one_line_without_its_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for address in ("postgresql//lake:hunter22@nowhere/lake", "sqlite:////no/such/folder/catalog.db"):
        monkeypatch.setenv("SHOPSPHERE_LAKE_CATALOG_URI", address)
        assert main(["load"]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "the lake does not answer" in line
        assert "hunter22" not in line


def test_settings_of_the_lake_that_are_missing_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SHOPSPHERE_LAKE_WAREHOUSE")
    with pytest.raises(SystemExit):
        main(["load"])
    assert "SHOPSPHERE_LAKE_WAREHOUSE" in capsys.readouterr().err
