"""Tokens for doors under test, and logs that stay small."""

import logging as stdlib_logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shopsphere_kit import logging
from shopsphere_kit.auth import DevKey, TokenVerifier
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.settings import AuthSettings


@pytest.fixture(scope="session", autouse=True)
def _json_logs() -> None:
    logging.configure("tests", "WARNING")


@pytest.fixture(autouse=True)
def _logs_of_one_test(_json_logs: None) -> Iterator[None]:
    # A test may run a command that configures logs of its own, onto a standard error that ends with that test.
    root = stdlib_logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def dev_key() -> DevKey:
    """A signing key for this run."""
    return DevKey.generate()


@pytest.fixture(scope="session")
def jwks_file(dev_key: DevKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public half of `dev_key`, as a door reads it."""
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(dev_key.jwks())
    return file


@pytest.fixture(scope="session")
def auth_settings(jwks_file: Path) -> AuthSettings:
    """Settings of a door that believes `dev_key`."""
    return AuthSettings(jwks_file=jwks_file)


@pytest.fixture(scope="session")
def verifier(auth_settings: AuthSettings) -> TokenVerifier:
    """The verifier of a door that believes `dev_key`."""
    return TokenVerifier(auth_settings)


@pytest.fixture(scope="session")
def token(dev_key: DevKey, auth_settings: AuthSettings) -> Callable[..., str]:
    """Mints a token with the given scopes: token("inventory.availability.read", …)."""

    def mint(*scopes: str) -> str:
        return dev_key.mint(scopes, settings=auth_settings, now=SystemClock().now(), client_id="tests")

    return mint
