"""Who is who: source users that share an e-mail address, phone or loyalty number are one customer. Pure, deterministic.

The customers follow from the *set* of clues: any order of arrival gives the same ones, and a record that is taken away
is as if it had never come. A customer's id is made from the oldest source user of the cluster.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# Strongest first: what a person was handed by the shop, what one mailbox owner controls, what a household shares.
KINDS = ("loyalty_number", "email", "phone")
# A value that more source users share than this belongs to an office or a help desk, and links nobody.
SHARED_BY_AT_MOST = 5


@dataclass(frozen=True, order=True)
class SourceUser:
    """A user as one source knows it."""

    source: str
    source_user_id: str

    def __str__(self) -> str:
        return f"{self.source}:{self.source_user_id}"


@dataclass(frozen=True)
class Clue:
    """A source user was seen; with a `kind`, it was seen to use that value (already in its normal spelling)."""

    user: SourceUser
    seen_at: datetime
    kind: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Identity:
    """The customer a source user is, and the evidence: it shares `evidence` with `linked_to` since `linked_at`."""

    user: SourceUser
    customer_id: str
    evidence: str
    linked_to: SourceUser
    linked_at: datetime


Age = tuple[datetime, SourceUser]
Bearers = dict[tuple[str, str], dict[SourceUser, datetime]]


def resolve(clues: Iterable[Clue]) -> list[Identity]:
    """One identity per source user, ordered by source user."""
    known = list(clues)
    first_seen = _first_seen((clue.user, clue.seen_at) for clue in known)
    bearers = _bearers(known)
    oldest = _clusters(first_seen, bearers)
    closest = _closest_links(first_seen, bearers)
    return [_identity(user, first_seen, oldest[user], closest.get(user)) for user in sorted(first_seen)]


def customer_id(oldest: SourceUser) -> str:
    """The id of the customer whose oldest source user this is: `C` and 16 hex digits."""
    return "C" + hashlib.sha256(str(oldest).encode()).hexdigest()[:16]


def _first_seen(sightings: Iterable[tuple[SourceUser, datetime]]) -> dict[SourceUser, datetime]:
    first: dict[SourceUser, datetime] = {}
    for user, seen_at in sightings:
        first[user] = min(seen_at, first.get(user, seen_at))
    return first


def _bearers(clues: Iterable[Clue]) -> Bearers:
    """The source users of each value, with the moment each was first seen with it; values of too many left out."""
    sightings: defaultdict[tuple[str, str], list[tuple[SourceUser, datetime]]] = defaultdict(list)
    for clue in clues:
        if clue.kind in KINDS and clue.value:
            sightings[clue.kind, clue.value].append((clue.user, clue.seen_at))
    bearers = {identifier: _first_seen(seen) for identifier, seen in sightings.items()}
    return {identifier: users for identifier, users in bearers.items() if 1 < len(users) <= SHARED_BY_AT_MOST}


def _clusters(first_seen: dict[SourceUser, datetime], bearers: Bearers) -> dict[SourceUser, SourceUser]:
    """The oldest source user of each one's cluster, by union-find; the older of two roots becomes the root."""
    parent = {user: user for user in first_seen}

    def root(user: SourceUser) -> SourceUser:
        while parent[user] != user:
            parent[user] = parent[parent[user]]
            user = parent[user]
        return user

    for users in bearers.values():
        roots = sorted({root(user) for user in users}, key=lambda user: (first_seen[user], user))
        for younger in roots[1:]:
            parent[younger] = roots[0]
    return {user: root(user) for user in first_seen}


@dataclass(frozen=True)
class _Tie:
    """A reason why one source user is another: the shared kind, the other one, and since when."""

    kind: str
    other: SourceUser
    other_seen_at: datetime
    since: datetime

    @property
    def rank(self) -> tuple[int, datetime, SourceUser, datetime]:
        """The strongest kind first, then the oldest other."""
        return KINDS.index(self.kind), self.other_seen_at, self.other, self.since


def _closest_links(first_seen: dict[SourceUser, datetime], bearers: Bearers) -> dict[SourceUser, _Tie]:
    closest: dict[SourceUser, _Tie] = {}
    for (kind, _), users in bearers.items():
        for user, seen_at in users.items():
            for other, other_at in users.items():
                tie = _Tie(kind, other, first_seen[other], max(seen_at, other_at))
                if other != user and (user not in closest or tie.rank < closest[user].rank):
                    closest[user] = tie
    return closest


def _identity(
    user: SourceUser, first_seen: dict[SourceUser, datetime], oldest: SourceUser, tie: _Tie | None
) -> Identity:
    if tie is None or user == oldest:
        return Identity(user, customer_id(oldest), "self", user, first_seen[user])
    return Identity(user, customer_id(oldest), tie.kind, tie.other, tie.since)
