"""The customer as one release knows them: who they are, what they bought, what happened and when."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Kind = Literal["order", "return", "account_opened", "profile_changed", "account_closed"]


@dataclass(frozen=True, slots=True)
class ReleaseStamp:
    """The gold release that an answer comes from, and when that release was published (UTC)."""

    release_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SourceAccount:
    """One account of the customer in one system of record; the id is that system's pseudonym."""

    source: str
    source_user_id: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who the customer is; every field has a rule in `masking`."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    street: str | None = None
    city: str | None = None
    postal_code: str | None = None
    state: str | None = None
    birth_date: date | None = None
    loyalty_number: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Household:
    """Demographic bands as the source states them, such as "45-54" or "50-74K"."""

    age_band: str | None = None
    income_band: str | None = None
    household_size: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFigures:
    """What the customer did, in USD and pieces; days count back from the newest order of the release."""

    first_order_at: datetime | None
    last_order_at: datetime | None
    order_count: int
    line_count: int
    units: int
    total_amount: Decimal
    returned_amount: Decimal
    till_amount: Decimal
    web_amount: Decimal
    marketplace_amount: Decimal
    favourite_store_id: int | None
    favourite_store_name: str | None
    favourite_department: str | None
    days_since_last_order: int | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One customer of one release."""

    customer_id: str
    person: Person
    household: Household
    marketing_consent: bool | None
    accounts: tuple[SourceAccount, ...]
    figures: KeyFigures
    timeline_count: int
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened; a profile change names the changed fields and never their values."""

    occurred_at: datetime
    kind: Kind
    source: str | None = None
    order_id: str | None = None
    channel: str | None = None
    status: str | None = None
    store_id: int | None = None
    store_name: str | None = None
    line_count: int | None = None
    units: int | None = None
    total_amount: Decimal | None = None
    categories: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def newest_first(entries: list[TimelineEntry]) -> list[TimelineEntry]:
    """The entries in the order of a timeline; ties are broken so that a rebuild gives the same order."""
    return sorted(entries, key=_timeline_key, reverse=True)


def profile_version(profile: Profile) -> str:
    """16 hex digits that change with the customer's figures; no personal field goes into them."""
    facts = {
        "customer_id": profile.customer_id,
        "figures": asdict(profile.figures),
        "accounts": len(profile.accounts),
        "timeline": profile.timeline_count,
        "is_deleted": profile.is_deleted,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def tombstone(customer_id: str) -> Profile:
    """What is left of a deleted customer: that they were deleted, and nothing else."""
    zero = Decimal(0)
    figures = KeyFigures(None, None, 0, 0, 0, zero, zero, zero, zero, zero, None, None, None, None)
    return Profile(customer_id, Person(), Household(), None, (), figures, 0, is_deleted=True)


def _timeline_key(entry: TimelineEntry) -> tuple[datetime, str, str, str]:
    return (entry.occurred_at, entry.kind, entry.order_id or "", entry.source or "")
