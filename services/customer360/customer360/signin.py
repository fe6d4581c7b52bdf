"""One-time codes: how a person with access to the service, or a client with the scope, opens the dashboard.

A code is 100 random bits, works once and for minutes; only its hash is kept. It is no personal data, so it may stand
in a link.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from customer360.errors import SignInCodeInvalid
from customer360.expiring_files import ExpiringFiles

# Crockford's base 32: no letter that could be read as a digit.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# 20 letters of 5 bits: 100 bits, and a length that can still be typed.
GROUPS, GROUP_LETTERS = 4, 5


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a code admits to, and until when (UTC)."""

    scopes: frozenset[str]
    expires_at: datetime


class SignInCodes(Protocol):
    """Tickets by the hash of their code."""

    def put(self, digest: str, ticket: Ticket) -> None:
        """Keep a ticket."""
        ...

    def take(self, digest: str) -> Ticket | None:
        """The ticket, exactly once over all processes."""
        ...

    def sweep(self, now: datetime) -> None:
        """Forget the tickets that have lapsed."""
        ...


class InMemorySignInCodes:
    """Tickets in a dictionary."""

    def __init__(self) -> None:
        self._tickets: dict[str, Ticket] = {}

    def put(self, digest: str, ticket: Ticket) -> None:
        """Keep a ticket."""
        self._tickets[digest] = ticket

    def take(self, digest: str) -> Ticket | None:
        """The ticket, exactly once."""
        return self._tickets.pop(digest, None)

    def sweep(self, now: datetime) -> None:
        """Forget the tickets that have lapsed."""
        self._tickets = {digest: ticket for digest, ticket in self._tickets.items() if ticket.expires_at > now}


class FileSignInCodes:
    """Tickets as files, so that `signin-code` and `serve` need no connection."""

    def __init__(self, directory: Path) -> None:
        self._files = ExpiringFiles(directory)

    def put(self, digest: str, ticket: Ticket) -> None:
        """Keep a ticket, readable by our own user alone."""
        self._files.put(digest, ticket.expires_at, {"scopes": sorted(ticket.scopes)})

    def take(self, digest: str) -> Ticket | None:
        """The ticket, exactly once over all processes."""
        taken = self._files.take(digest)
        if taken is None:
            return None
        body, expires_at = taken
        return Ticket(frozenset(body["scopes"]), expires_at)

    def sweep(self, now: datetime) -> None:
        """Forget the tickets that have lapsed."""
        self._files.sweep(now)


def mint(codes: SignInCodes, scopes: Iterable[str], *, now: datetime, lifetime: timedelta) -> tuple[str, Ticket]:
    """A fresh code such as "7K3QX-…" and what it admits to."""
    letters = [secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP_LETTERS)]
    code = "-".join("".join(letters[at : at + GROUP_LETTERS]) for at in range(0, len(letters), GROUP_LETTERS))
    ticket = Ticket(frozenset(scopes), now + lifetime)
    codes.sweep(now)
    codes.put(code_digest(code), ticket)
    return code, ticket


def redeem(codes: SignInCodes, code: str, *, now: datetime) -> Ticket:
    """The ticket behind the code, which is spent by this; raises `SignInCodeInvalid`."""
    ticket = codes.take(code_digest(code))
    if ticket is None or ticket.expires_at <= now:
        raise SignInCodeInvalid("the code is unknown, used or too old; ask for a new one", field="code")
    return ticket


def code_digest(code: str) -> str:
    """SHA-256 of the code's letters in hex; case, spaces and dashes do not matter."""
    return hashlib.sha256("".join(filter(str.isalnum, code)).upper().encode()).hexdigest()
