"""What a place for sign-in codes must do, in memory and in files alike."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from customer360 import signin
from customer360.errors import SignInCodeInvalid
from customer360.signin import FileSignInCodes, InMemorySignInCodes, SignInCodes

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture(params=["in memory", "files"])
def codes(request: pytest.FixtureRequest, tmp_path: Path) -> SignInCodes:
    return InMemorySignInCodes() if request.param == "in memory" else FileSignInCodes(tmp_path / "sign in")


def test_a_code_works_once(codes: SignInCodes) -> None:
    code, _ = signin.mint(codes, ["a", "b"], now=NOW, lifetime=TEN_MINUTES)
    assert signin.redeem(codes, code, now=NOW).scopes == {"a", "b"}
    with pytest.raises(SignInCodeInvalid):
        signin.redeem(codes, code, now=NOW)


def test_a_code_lapses(codes: SignInCodes) -> None:
    code, _ = signin.mint(codes, ["a"], now=NOW, lifetime=TEN_MINUTES)
    with pytest.raises(SignInCodeInvalid):
        signin.redeem(codes, code, now=NOW + TEN_MINUTES)


def test_how_a_code_is_typed_does_not_matter(codes: SignInCodes) -> None:
    code, _ = signin.mint(codes, ["a"], now=NOW, lifetime=TEN_MINUTES)
    typed = f" {code.lower().replace('-', ' ')} "
    assert signin.redeem(codes, typed, now=NOW).scopes == {"a"}


@pytest.mark.parametrize("code", ["", "AAAAA", "../../etc/passwd", "\0"])
def test_what_is_no_code_is_refused(codes: SignInCodes, code: str) -> None:
    with pytest.raises(SignInCodeInvalid):
        signin.redeem(codes, code, now=NOW)


def test_codes_that_lapsed_are_swept_away(codes: SignInCodes) -> None:
    old, _ = signin.mint(codes, ["a"], now=NOW, lifetime=TEN_MINUTES)
    fresh, _ = signin.mint(codes, ["b"], now=NOW + TEN_MINUTES, lifetime=TEN_MINUTES)
    assert codes.take(signin.code_digest(old)) is None
    assert codes.take(signin.code_digest(fresh)) is not None


def test_no_code_is_kept_in_clear(tmp_path: Path) -> None:
    code, _ = signin.mint(FileSignInCodes(tmp_path), ["a"], now=NOW, lifetime=TEN_MINUTES)
    for file in tmp_path.iterdir():
        assert code not in file.name + file.read_text()
        assert file.stat().st_mode & 0o077 == 0
