"""Dashboard sessions: a signed cookie, and form tokens that belong to it.

Before sign-in there is a session without scopes, so that the sign-in form has a form token as every other form has.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from customer360.ended_sessions import EndedSessions, InMemoryEndedSessions
from customer360.errors import FormRefused


@dataclass(frozen=True, slots=True)
class Session:
    """Who looks at the dashboard: a random id and what it may see, until a time (UTC)."""

    session_id: str
    scopes: frozenset[str]
    expires_at: datetime

    @property
    def signed_in(self) -> bool:
        """Whether a code was redeemed for it."""
        return bool(self.scopes)


@dataclass
class Sessions:
    """Makes and reads session cookies under a key; those that were signed out are refused."""

    key: bytes
    lifetime: timedelta
    ended: EndedSessions = field(default_factory=InMemoryEndedSessions)

    def start(self, scopes: frozenset[str], now: datetime) -> Session:
        """A new session with a fresh id."""
        return Session(secrets.token_hex(16), scopes, (now + self.lifetime).replace(microsecond=0))

    def cookie(self, session: Session) -> str:
        """The session as a signed cookie value."""
        claims = [session.session_id, sorted(session.scopes), int(session.expires_at.timestamp())]
        payload = base64.urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).decode().rstrip("=")
        return f"{payload}.{self._mac('session', payload)}"

    def read(self, cookie: str | None, now: datetime) -> Session | None:
        """The session behind a cookie, or None when it is forged, expired or signed out."""
        payload, _, mac = (cookie or "").partition(".")
        if not payload or not hmac.compare_digest(mac.encode(), self._mac("session", payload).encode()):
            return None
        try:
            session_id, scopes, expires = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (binascii.Error, ValueError):
            return None
        expires_at = datetime.fromtimestamp(expires, now.tzinfo)
        if expires_at <= now or self.ended.holds(session_id):
            return None
        return Session(session_id, frozenset(scopes), expires_at)

    def end(self, session: Session, now: datetime) -> None:
        """Sign the session out, also for whoever copied its cookie."""
        self.ended.sweep(now)
        self.ended.add(session.session_id, session.expires_at)

    def form_token(self, session: Session) -> str:
        """What a form of this session must carry."""
        return self._mac("form", session.session_id)

    def check_form(self, session: Session | None, token: str) -> Session:
        """The session of a form that carries its token; raises `FormRefused`."""
        if session is None or not hmac.compare_digest(token.encode(), self.form_token(session).encode()):
            raise FormRefused("the form does not belong to this session; open the page again and resend it")
        return session

    def _mac(self, purpose: str, text: str) -> str:
        return hmac.new(self.key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
