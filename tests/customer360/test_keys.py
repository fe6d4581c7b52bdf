"""The keys that sign sessions and digest contacts: nobody can guess them, in development either."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from customer360.__main__ import main
from customer360.bootstrap import lookup_key, session_key
from customer360.errors import StoreUnusable
from customer360.kept_key import kept_key
from customer360.sessions import Sessions
from customer360.settings import Settings
from customer360_doors import NOW, READ, both_doors

NAMES = ("CUSTOMER360_LOOKUP_KEY", "CUSTOMER360_SESSION_KEY")
GOOD = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def test_each_data_folder_of_a_development_stack_has_keys_of_its_own_and_keeps_them(tmp_path: Path) -> None:
    one, again, other = (Settings(data_dir=tmp_path / name) for name in ("one", "one", "other"))
    keys = {lookup_key(one), session_key(one), lookup_key(other), session_key(other)}
    assert len(keys) == 4
    assert (lookup_key(again), session_key(again)) == (lookup_key(one), session_key(one))
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 4
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_processes_that_make_a_key_at_once_agree_on_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(kept_key, [tmp_path / "key"] * 8))) == 1


def test_a_kept_key_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short\n")
    with pytest.raises(StoreUnusable, match="remove it"):
        kept_key(tmp_path / "key")


async def test_a_cookie_signed_with_the_placeholder_opens_nothing(tmp_path: Path) -> None:
    forger = Sessions(b"change-me", timedelta(hours=1))
    async with both_doors(tmp_path) as doors:
        doors.rest.cookies.set("customer360_session", forger.cookie(forger.start(frozenset({READ}), NOW)))
        assert (await doors.rest.get("/dashboard/")).status_code == 303


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("name", NAMES)
def test_a_short_key_is_refused_by_name_everywhere_and_not_shown(
    name: str, environment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOPSPHERE_ENVIRONMENT", environment)
    for each in NAMES:
        monkeypatch.setenv(each, GOOD)
    for short in ("", "hunter22", GOOD[1:]):
        monkeypatch.setenv(name, short)
        with pytest.raises(SystemExit) as ended:
            main(["status"])
        (line,) = capsys.readouterr().err.splitlines()
        assert (ended.value.code, name in line) == (2, True)
        assert not short or short not in line


def test_outside_development_keys_must_be_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHOPSPHERE_ENVIRONMENT", "prod")
    for missing in NAMES:
        for name in NAMES:
            monkeypatch.setenv(name, GOOD)
        monkeypatch.delenv(missing)
        with pytest.raises(SystemExit):
            main(["status"])
        assert f"{missing} is missing" in capsys.readouterr().err
