"""From one gold release to one generation of the store."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import UNKNOWN_KEY, Release

from customer360 import contact, figures, gold
from customer360.profile import (
    Household,
    KeyFigures,
    Person,
    Profile,
    ReleaseStamp,
    SourceAccount,
    TimelineEntry,
    tombstone,
)
from customer360.store import CustomerRecord, ProfileStore
from customer360.timelines import timelines

# Called with what is done next, how much of it is done, and how much there is (0 when unknown).
Progress = Callable[[str, int, int], None]
Row = Mapping[str, Any]
# Customers between two reports of progress.
REPORT_EVERY = 250


def load(catalog: Catalog, release: Release, store: ProfileStore, lookup_key: bytes, progress: Progress) -> int:
    """Read the release, write a generation, make it the current one; how many profiles it has."""
    stamp = ReleaseStamp(release.release_id, release.created_at)
    with store.writer(stamp, contact.key_fingerprint(lookup_key)) as writer:
        progress("Reading gold", 0, 0)
        tables = gold.read(catalog, release)
        progress("Building timelines", 0, 0)
        happened = timelines(tables)
        stores = {row["store_id"]: row["name"] for row in tables.stores.to_pylist() if row["store_key"] != UNKNOWN_KEY}
        rows = tables.customers.to_pylist()
        writer.add(_reporting(records(rows, happened, stores, lookup_key), len(rows), progress))
        progress("Computing the overview", len(rows), len(rows))
        computed = figures.overview(tables)
        progress("Switching", len(rows), len(rows))
        writer.publish(computed)
    return len(rows)


def records(
    rows: Iterable[Row],
    happened: Mapping[str, list[TimelineEntry]],
    stores: Mapping[int, str],
    lookup_key: bytes,
) -> Iterable[CustomerRecord]:
    """One record per customer; of a deleted one only the tombstone, with no timeline and no way to find it."""
    for row in rows:
        if row["is_deleted"]:
            yield CustomerRecord(tombstone(row["customer_id"]))
            continue
        entries = happened.get(row["customer_id"], [])
        emails = [value for value in (row["email"], *(row["emails"] or ())) if value]
        phones = [value for value in (row["phone"], *(row["phones"] or ())) if value]
        digests = contact.known_digests(lookup_key, emails, phones)
        yield CustomerRecord(profile_of(row, stores, len(entries)), entries, digests)


def profile_of(row: Row, stores: Mapping[int, str], timeline_count: int) -> Profile:
    """The profile that a row of gold.customer_360 describes."""
    accounts = sorted((user["source"], user["source_user_id"]) for user in row["source_users"] or ())
    return Profile(
        customer_id=row["customer_id"],
        person=_person(row),
        household=Household(row["age_band"], row["income_band"], row["household_size"]),
        marketing_consent=row["marketing_consent"],
        accounts=tuple(SourceAccount(*account) for account in accounts),
        figures=_key_figures(row, stores),
        timeline_count=timeline_count,
        is_deleted=False,
    )


def _person(row: Row) -> Person:
    return Person(
        first_name=row["first_name"],
        last_name=row["last_name"],
        email=row["email"],
        phone=row["phone"],
        street=row["street"],
        city=row["city"],
        postal_code=row["postal_code"],
        state=row["state"],
        birth_date=row["birth_date"],
        loyalty_number=row["loyalty_number"],
        emails=tuple(sorted(row["emails"] or ())),
        phones=tuple(sorted(row["phones"] or ())),
    )


def _key_figures(row: Row, stores: Mapping[int, str]) -> KeyFigures:
    return KeyFigures(
        first_order_at=row["first_order_at"],
        last_order_at=row["last_order_at"],
        order_count=row["order_count"] or 0,
        line_count=row["line_count"] or 0,
        units=row["units"] or 0,
        total_amount=_amount(row["total_amount"]),
        returned_amount=_amount(row["returned_amount"]),
        till_amount=_amount(row["till_amount"]),
        web_amount=_amount(row["web_amount"]),
        marketplace_amount=_amount(row["marketplace_amount"]),
        favourite_store_id=row["favourite_store_id"],
        favourite_store_name=stores.get(row["favourite_store_id"]),
        favourite_department=row["favourite_department"],
        days_since_last_order=row["days_since_last_order"],
    )


def _amount(value: Decimal | None) -> Decimal:
    return value if value is not None else Decimal("0.00")


def _reporting(found: Iterable[CustomerRecord], total: int, progress: Progress) -> Iterable[CustomerRecord]:
    for number, record in enumerate(found):
        if number % REPORT_EVERY == 0:
            progress("Writing profiles", number, total)
        yield record
    progress("Writing profiles", total, total)
