"""What the doors offer: each function answers from exactly one generation and says which release it was."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from shopsphere_kit.errors import InvalidArgument

from customer360 import contact, metrics
from customer360.errors import (
    CustomerDeleted,
    CustomerUnknown,
    LookupAmbiguous,
    LookupAmountWrong,
    StoreUnusable,
)
from customer360.masking import PERSONAL_SCOPE, masked
from customer360.overview import Overview
from customer360.page_tokens import PageTokens
from customer360.profile import (
    Household,
    KeyFigures,
    Person,
    Profile,
    ReleaseStamp,
    SourceAccount,
    TimelineEntry,
    profile_version,
)
from customer360.store import Generation, ProfileStore

PROFILES_SCOPE = "customer360.profiles.read"
LOOKUP_SCOPE = "customer360.lookup.read"
PAGE_SIZE_DEFAULT = 50
# At about 300 bytes an entry, the largest page stays under 64 KiB.
PAGE_SIZE_MAX = 200
# Anything else is no id of ours, and too odd to be looked up or repeated in an answer.
_CUSTOMER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class CustomerAnswer:
    """One customer; `masked` says whether personal fields are hidden from this caller."""

    release_id: str
    masked: bool
    customer_id: str
    person: Person
    household: Household
    marketing_consent: bool | None
    accounts: tuple[SourceAccount, ...]
    figures: KeyFigures
    timeline_count: int
    version: str

    @property
    def etag(self) -> str:
        """A strong validator: release, version and view; no personal data goes into it."""
        return f'"{self.release_id}.{self.version}.{"masked" if self.masked else "personal"}"'


@dataclass(frozen=True, slots=True)
class TimelineAnswer:
    """One page of a timeline of `total_size` entries, newest first; `next_page_token` is empty on the last page."""

    release_id: str
    customer_id: str
    total_size: int
    start: int
    entries: tuple[TimelineEntry, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class ReleaseAnswer:
    """The release that answers come from."""

    release_id: str
    created_at: datetime
    profiles: int


class CustomerDirectory:
    """Customers of the current generation, for callers with given scopes."""

    def __init__(self, store: ProfileStore, lookup_key: bytes, page_tokens: PageTokens) -> None:
        self._store = store
        self._lookup_key = lookup_key
        self._page_tokens = page_tokens

    def customer(self, scopes: AbstractSet[str], customer_id: str) -> CustomerAnswer:
        """The customer; raises `CustomerUnknown` or `CustomerDeleted`."""
        generation = self._store.current()
        return _answer(generation, scopes, _living(generation, customer_id))

    def lookup(self, scopes: AbstractSet[str], *, email: str | None, phone: str | None) -> CustomerAnswer:
        """The one customer known under the e-mail or the phone; any spelling of either is understood."""
        digests = self._digests(email, phone)
        generation = self._store.current()
        found = next(filter(None, map(generation.find, digests)), ())
        metrics.LOOKUPS.labels("email" if email else "phone", "found" if found else "unknown").inc()
        if not found:
            raise CustomerUnknown("no customer is known under this e-mail or phone")
        if len(found) > 1:
            raise LookupAmbiguous(f"{len(found)} customers share it; get them by id: {', '.join(found)}")
        return _answer(generation, scopes, _living(generation, found[0]))

    def timeline(self, customer_id: str, *, page_size: int | None, page_token: str | None) -> TimelineAnswer:
        """One page; a page token keeps to the release of its first page, also across a switch."""
        size = PAGE_SIZE_DEFAULT if page_size is None else page_size
        if not 1 <= size <= PAGE_SIZE_MAX:
            raise InvalidArgument(f"page_size: choose 1 to {PAGE_SIZE_MAX}", field="page_size")
        generation, start = self._store.current(), 0
        if page_token:
            release_id, start = self._page_tokens.read(customer_id, page_token)
            generation = self._store.at(release_id)
        profile = _living(generation, customer_id)
        entries = generation.timeline(profile.customer_id, start, size)
        release_id, end = generation.info.release.release_id, start + len(entries)
        more = end < profile.timeline_count
        token = self._page_tokens.make(customer_id, release_id, end) if more else ""
        return TimelineAnswer(release_id, customer_id, profile.timeline_count, start, tuple(entries), token)

    def history(self, customer_id: str) -> list[TimelineEntry]:
        """The whole timeline, for charts; raises as `customer` does."""
        generation = self._store.current()
        return generation.timeline(customer_id, 0, _living(generation, customer_id).timeline_count)

    def release(self) -> ReleaseAnswer:
        """The current release and how many customers it has."""
        info = self._store.current().info
        return ReleaseAnswer(info.release.release_id, info.release.created_at, info.profiles)

    def overview(self) -> tuple[ReleaseStamp, Overview]:
        """The figures of the overview page with their release."""
        generation = self._store.current()
        return generation.info.release, generation.overview()

    async def check(self) -> None:
        """Raise unless a generation is loaded and its digests were made with our lookup key."""
        if self._store.current().info.key_fingerprint != contact.key_fingerprint(self._lookup_key):
            raise StoreUnusable("CUSTOMER360_LOOKUP_KEY is not the one that `load` used; load again with this key")

    def _digests(self, email: str | None, phone: str | None) -> list[bytes]:
        if bool(email) == bool(phone):
            raise LookupAmountWrong("send either email or phone", field="email")
        if email:
            return contact.digests_to_try(contact.email_digest, self._lookup_key, email)
        return contact.digests_to_try(contact.phone_digest, self._lookup_key, phone or "")


def _living(generation: Generation, customer_id: str) -> Profile:
    profile = generation.profile(customer_id) if _CUSTOMER_ID.fullmatch(customer_id) else None
    if profile is None:
        raise CustomerUnknown("the release holds no such customer", field="customer_id")
    if profile.is_deleted:
        raise CustomerDeleted("the customer was deleted; drop every copy of this id", field="customer_id")
    return profile


def _answer(generation: Generation, scopes: AbstractSet[str], profile: Profile) -> CustomerAnswer:
    personal = PERSONAL_SCOPE in scopes
    shown = profile if personal else masked(profile)
    return CustomerAnswer(
        release_id=generation.info.release.release_id,
        masked=not personal,
        customer_id=shown.customer_id,
        person=shown.person,
        household=shown.household,
        marketing_consent=shown.marketing_consent,
        accounts=shown.accounts,
        figures=shown.figures,
        timeline_count=shown.timeline_count,
        version=profile_version(profile),
    )
