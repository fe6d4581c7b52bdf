"""One-time codes: how a person with access to the service, or a client with the scope, opens the dashboard.

A code is 100 random bits, works once and for minutes; only its hash is kept. It is no personal data, so it may stand
in a link.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from customer360.errors import SignInCodeInvalid

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


class FileSignInCodes:
    """Tickets as files, so that `signin-code` and `serve` need no connection; removing the file claims the ticket."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, digest: str, ticket: Ticket) -> None:
        """Keep a ticket, readable by our own user alone."""
        body = {"scopes": sorted(ticket.scopes), "expires_at": ticket.expires_at.isoformat()}
        draft = self._directory / f"{digest}.new"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(body, file)
        draft.replace(self._directory / digest)

    def take(self, digest: str) -> Ticket | None:
        """The ticket, exactly once over all processes: the one whose rename succeeds has it."""
        claimed = self._directory / f"{digest}.{secrets.token_hex(4)}.taken"
        try:
            (self._directory / digest).rename(claimed)
        except FileNotFoundError:
            return None
        body = json.loads(claimed.read_text())
        claimed.unlink()
        return Ticket(frozenset(body["scopes"]), datetime.fromisoformat(body["expires_at"]))


def mint(codes: SignInCodes, scopes: Iterable[str], *, now: datetime, lifetime: timedelta) -> tuple[str, Ticket]:
    """A fresh code such as "7K3QX-…" and what it admits to."""
    letters = [secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP_LETTERS)]
    code = "-".join("".join(letters[at : at + GROUP_LETTERS]) for at in range(0, len(letters), GROUP_LETTERS))
    ticket = Ticket(frozenset(scopes), now + lifetime)
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
