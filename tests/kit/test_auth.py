import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from shopsphere_kit.auth import DevKey, RemoteKeys, TokenVerifier, bearer_token
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.errors import PermissionDenied, Unauthenticated, Unavailable
from shopsphere_kit.settings import AuthSettings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def key() -> DevKey:
    return DevKey.generate()


@pytest.fixture
def settings(key: DevKey, tmp_path: Path) -> AuthSettings:
    file = tmp_path / "jwks.json"
    file.write_text(key.jwks())
    return AuthSettings(jwks_file=file)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def verifier(settings: AuthSettings, clock: ManualClock) -> TokenVerifier:
    return TokenVerifier(settings, clock)


def test_a_minted_token_tells_who_calls_and_what_for(
    verifier: TokenVerifier, key: DevKey, settings: AuthSettings
) -> None:
    caller = verifier.verify(key.mint(["a.read", "b.write"], settings=settings, now=NOON, client_id="crm"))
    assert (caller.client_id, caller.scopes) == ("crm", frozenset({"a.read", "b.write"}))


def test_a_token_stops_working_when_it_expires_even_if_it_was_verified_before(
    verifier: TokenVerifier, key: DevKey, settings: AuthSettings, clock: ManualClock
) -> None:
    token = key.mint([], settings=settings, now=NOON, lifetime=timedelta(minutes=1))
    verifier.verify(token)
    clock.advance(timedelta(minutes=2))
    with pytest.raises(Unauthenticated, match="expired"):
        verifier.verify(token)


def test_another_issuers_key_is_not_believed(verifier: TokenVerifier, settings: AuthSettings) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(DevKey.generate().mint([], settings=settings, now=NOON))


@pytest.mark.parametrize(("setting", "value"), [("issuer", "https://other"), ("audience", "other")])
def test_a_token_for_somebody_else_is_not_believed(
    verifier: TokenVerifier, key: DevKey, settings: AuthSettings, setting: str, value: str
) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(key.mint([], settings=settings.model_copy(update={setting: value}), now=NOON))


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_the_token_does_not_choose_the_algorithm(
    verifier: TokenVerifier, key: DevKey, settings: AuthSettings, algorithm: str
) -> None:
    claims = jwt.decode(key.mint([], settings=settings, now=NOON), options={"verify_signature": False})
    secret = "" if algorithm == "none" else "k" * 32
    forged = jwt.encode(claims, secret, algorithm=algorithm, headers={"typ": "at+jwt", "kid": key.key_id})
    with pytest.raises(Unauthenticated):
        verifier.verify(forged)


def test_a_missing_scope_is_named(verifier: TokenVerifier, key: DevKey, settings: AuthSettings) -> None:
    with pytest.raises(PermissionDenied, match=r"b\.write"):
        verifier.verify(key.mint(["a.read"], settings=settings, now=NOON)).require("b.write")


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer  "])
def test_a_header_without_a_bearer_token_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(header)


@pytest.mark.parametrize("garbage", ["", "a.b.c", "é", "\ud800", "x" * 10_000])
def test_garbage_is_refused(verifier: TokenVerifier, garbage: str) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(garbage)


def test_the_development_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "dev.pem"
    assert DevKey.load_or_make(file).key_id == DevKey.load_or_make(file).key_id
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", [1, None, "", "JWT", ["at+jwt"]])
def test_a_token_of_another_type_is_refused_and_not_a_crash(
    verifier: TokenVerifier, key: DevKey, settings: AuthSettings, kind: object
) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "EdDSA", "typ": kind}).encode()).decode().rstrip("=")
    rest = key.mint([], settings=settings, now=NOON).partition(".")[2]
    with pytest.raises(Unauthenticated):
        verifier.verify(f"{header}.{rest}")


def test_keys_of_the_issuer_come_over_https_only() -> None:
    with pytest.raises(ValueError, match="https"):
        AuthSettings(jwks_url="http://issuer/jwks.json")


def test_made_up_key_ids_do_not_make_the_door_ask_the_issuer_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unreachable(_: object, *, refresh: bool) -> None:
        asked.append(refresh)
        raise jwt.PyJWKClientConnectionError("away")

    monkeypatch.setattr(jwt.PyJWKClient, "get_jwk_set", unreachable)
    keys = RemoteKeys("https://issuer/jwks.json")
    for moment in (0.0, 1.0, 59.0, 60.0):
        with pytest.raises(Unavailable):
            keys.current(moment)
    assert len(asked) == 2
