"""Who is calling, and what they may do: OAuth 2 access tokens as JWTs (RFC 9068), signed with Ed25519.

The algorithm list is fixed, so a token cannot choose how it is checked. A verified token is remembered by its hash
until it expires, which makes the second call with it a dictionary look-up.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWK, PyJWKClient, PyJWKSet
from jwt.algorithms import OKPAlgorithm

from shopsphere_kit.clock import Clock, SystemClock
from shopsphere_kit.errors import PermissionDenied, Unauthenticated, Unavailable
from shopsphere_kit.logging import get_logger
from shopsphere_kit.settings import AuthSettings

ALGORITHMS = ["EdDSA"]
TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068 §2.1, a media type and no secret
# A token is a few hundred bytes; anything far beyond is an attack on the parser.
TOKEN_BYTES_MAX = 8192
# Enough for every client of a large shop; older ones are verified again.
CACHE_ENTRIES_MAX = 10_000
# A new key of the issuer is believed after at most this long; an issuer is asked no more often.
KEYS_REFRESH_SECONDS = 60.0
# The fetch holds up the door once per interval, so it must be short.
KEYS_TIMEOUT_SECONDS = 2

_log = get_logger(__name__)


@dataclass(frozen=True)
class Caller:
    """The client behind a verified token."""

    client_id: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the token carries the scope."""
        return scope in self.scopes

    def require(self, scope: str) -> None:
        """Raise PermissionDenied naming the scope when the token lacks it."""
        if scope not in self.scopes:
            raise PermissionDenied(
                f"the token lacks the scope {scope}; ask for it when requesting the token", field="scope"
            )


class TokenVerifier:
    """Turns a bearer token into a Caller, or raises Unauthenticated."""

    def __init__(self, settings: AuthSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._keys: PyJWKSet | None = None
        self._verified: dict[bytes, tuple[Caller, float]] = {}
        self._keys_from: RemoteKeys | None = RemoteKeys(settings.jwks_url) if settings.jwks_url else None
        if settings.jwks_file:
            self._keys = PyJWKSet.from_json(settings.jwks_file.read_text())

    def verify(self, token: str) -> Caller:
        """The caller behind the token; its signature, type, issuer, audience and expiry are checked."""
        if len(token) > TOKEN_BYTES_MAX:
            raise Unauthenticated("the token is too long", reason="token_invalid")
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        now = self._clock.now().timestamp()
        known = self._verified.get(digest)
        if known and known[1] > now:
            return known[0]
        claims = self._claims(token, now)
        caller = Caller(str(claims["client_id"]), frozenset(str(claims.get("scope", "")).split()))
        if len(self._verified) >= CACHE_ENTRIES_MAX:
            self._verified.clear()
        self._verified[digest] = (caller, float(claims["exp"]))
        return caller

    def _claims(self, token: str, now: float) -> dict[str, Any]:
        try:
            if str(jwt.get_unverified_header(token).get("typ")).lower() != TOKEN_TYPE:
                raise Unauthenticated("the token is not an access token (typ at+jwt)", reason="token_invalid")
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(token, now),
                algorithms=ALGORITHMS,
                issuer=self._settings.issuer,
                audience=self._settings.audience,
                options={
                    "require": ["exp", "iat", "iss", "aud", "client_id"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            expired = float(claims["exp"]) <= now
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
            raise Unauthenticated("the token does not verify; request a new one", reason="token_invalid") from error
        if expired:
            raise Unauthenticated("the token has expired; request a new one", reason="token_expired")
        return claims

    def _key(self, token: str, now: float) -> PyJWK:
        if self._keys_from:
            return self._keys_from.current(now)[_key_id(token)]
        if self._keys is None:
            raise Unauthenticated(
                "no keys are configured; set SHOPSPHERE_AUTH_JWKS_FILE or SHOPSPHERE_AUTH_JWKS_URL",
                reason="token_invalid",
            )
        return self._keys[_key_id(token)]


def _key_id(token: str) -> str:
    return str(jwt.get_unverified_header(token).get("kid"))


class RemoteKeys:
    """The issuer's key set over https, asked for at most once per interval, whatever key ids callers make up."""

    def __init__(self, url: str) -> None:
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=KEYS_TIMEOUT_SECONDS)
        self._keys: PyJWKSet | None = None
        self._fetched_at = float("-inf")

    def current(self, now: float) -> PyJWKSet:
        """The keys, at most KEYS_REFRESH_SECONDS old while the issuer answers; raises Unavailable before the first."""
        if now - self._fetched_at >= KEYS_REFRESH_SECONDS:
            self._fetched_at = now
            try:
                self._keys = self._client.get_jwk_set(refresh=True)
            except jwt.PyJWTError as error:
                _log.warning("the token issuer's keys could not be fetched", error=type(error).__name__)
        if self._keys is None:
            raise Unavailable("the token issuer's keys are not known yet; try again", retry_after_seconds=10)
        return self._keys


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750); raises Unauthenticated when there is none."""
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("send `Authorization: Bearer <token>`", reason="token_missing")
    return token.strip()


class DevKey:
    """The signing key of a development stack, in a file made on first use; production has a real issuer."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        public = private_key.public_key()
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.key_id = hashlib.sha256(raw).hexdigest()[:16]

    @classmethod
    def generate(cls) -> "DevKey":
        """A fresh key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load_or_make(cls, path: Path) -> "DevKey":
        """The key in the file, which is made with mode 0600 when it is not there."""
        if not path.exists():
            key = cls.generate()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_bytes(key.private_bytes())
            return key
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(loaded, Ed25519PrivateKey):
            raise TypeError(f"{path} is not an Ed25519 key; remove it and start again")
        return cls(loaded)

    def private_bytes(self) -> bytes:
        """The key in PEM."""
        return self._private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def jwks(self) -> str:
        """The public half as a JSON Web Key Set."""
        key = OKPAlgorithm.to_jwk(self._private_key.public_key(), as_dict=True)
        return json.dumps({"keys": [{**key, "kid": self.key_id, "use": "sig", "alg": "EdDSA"}]})

    def mint(
        self,
        scopes: Iterable[str],
        *,
        settings: AuthSettings,
        now: datetime,
        client_id: str = "dev",
        lifetime: timedelta = timedelta(hours=1),
    ) -> str:
        """An access token with the scopes, valid from `now` for `lifetime`."""
        claims = {
            "iss": settings.issuer,
            "aud": settings.audience,
            "sub": client_id,
            "client_id": client_id,
            "scope": " ".join(scopes),
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._private_key, algorithm="EdDSA", headers={"kid": self.key_id, "typ": TOKEN_TYPE})
