"""Who may open the dashboard: codes are minted, redeemed once, and become sessions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from shopsphere_kit.auth import Caller
from shopsphere_kit.clock import Clock
from shopsphere_kit.errors import InvalidArgument

from customer360 import metrics, signin
from customer360.directory import LOOKUP_SCOPE, PROFILES_SCOPE
from customer360.errors import SessionMissing, SignInCodeInvalid
from customer360.masking import PERSONAL_SCOPE
from customer360.sessions import Session, Sessions
from customer360.signin import SignInCodes, Ticket

# What a code can admit to.
GRANTABLE = frozenset({PROFILES_SCOPE, LOOKUP_SCOPE, PERSONAL_SCOPE})


@dataclass(frozen=True)
class DashboardAccess:
    """Codes and sessions of one dashboard, at the address that links should carry."""

    codes: SignInCodes
    sessions: Sessions
    clock: Clock
    code_lifetime: timedelta
    dashboard_url: str

    def mint(self, scopes: Iterable[str], caller: Caller | None = None) -> tuple[str, Ticket]:
        """A code for the scopes; a caller can give no scope that it lacks."""
        wanted = frozenset(scopes)
        unknown = sorted(wanted - GRANTABLE)
        if unknown or not wanted:
            raise InvalidArgument(f"scopes: choose from {', '.join(sorted(GRANTABLE))}", field="scopes")
        for scope in sorted(wanted) if caller else ():
            caller.require(scope)  # type: ignore[union-attr]  # the loop is empty without a caller
        return signin.mint(self.codes, wanted, now=self.clock.now(), lifetime=self.code_lifetime)

    def link(self, code: str) -> str:
        """The address of the page whose button signs in with the code."""
        return f"{self.dashboard_url}/dashboard/signin?code={code}"

    def redeem(self, code: str) -> Session:
        """A session for the code's scopes; raises `SignInCodeInvalid`."""
        now = self.clock.now()
        try:
            ticket = signin.redeem(self.codes, code, now=now)
        except SignInCodeInvalid:
            metrics.SIGN_INS.labels("refused").inc()
            raise
        metrics.SIGN_INS.labels("ok").inc()
        return self.sessions.start(ticket.scopes, now)

    def visitor(self, cookie: str | None) -> Session | None:
        """The session of a cookie, signed in or not."""
        return self.sessions.read(cookie, self.clock.now())

    def member(self, cookie: str | None) -> Session:
        """The signed-in session of a cookie; raises `SessionMissing`."""
        session = self.visitor(cookie)
        if session is None or not session.signed_in:
            raise SessionMissing("sign in with a one-time code")
        return session

    def anonymous(self) -> Session:
        """A session that may see the sign-in form."""
        return self.sessions.start(frozenset(), self.clock.now())

    def end(self, session: Session) -> None:
        """Sign the session out."""
        self.sessions.end(session, self.clock.now())

    def sweep(self) -> None:
        """Forget codes and signed-out sessions that have lapsed."""
        now = self.clock.now()
        self.codes.sweep(now)
        self.sessions.ended.sweep(now)
