"""From order lines and user versions to what happened to each customer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from shopsphere_kit.lake import UNKNOWN_KEY

from customer360.gold import GoldTables, attribute
from customer360.profile import TimelineEntry, newest_first

Row = Mapping[str, Any]
# A timeline entry names so many product categories; the order itself has the rest.
CATEGORIES_MAX = 3
RETURNED = "returned"

# The parts of a profile a person would name, with the columns that make them.
PARTS: dict[str, tuple[str, ...]] = {
    "name": ("first_name", "last_name"),
    "email": ("email",),
    "phone": ("phone",),
    "address": ("street", "city", "postal_code", "state"),
    "birth_date": ("birth_date",),
    "loyalty_number": ("loyalty_number",),
    "household": ("age_band", "income_band", "household_size"),
    "marketing_consent": ("marketing_consent",),
}


def timelines(tables: GoldTables) -> dict[str, list[TimelineEntry]]:
    """Every customer's entries, newest first."""
    entries: dict[str, list[TimelineEntry]] = defaultdict(list)
    for customer_id, entry in order_entries(tables):
        entries[customer_id].append(entry)
    for customer_id, entry in account_entries(tables.user_versions.to_pylist()):
        entries[customer_id].append(entry)
    return {customer_id: newest_first(found) for customer_id, found in entries.items()}


def order_entries(tables: GoldTables) -> Iterable[tuple[str, TimelineEntry]]:
    """One entry per order that has a customer; a return is an order of its own with negative amounts."""
    known = tables.order_lines.filter(pc.is_valid(tables.order_lines["customer_id"]))
    stores = {row["store_key"]: row for row in tables.stores.to_pylist() if row["store_key"] != UNKNOWN_KEY}
    categories = top_categories(known, tables.products)
    keys = ["customer_id", "order_id", "channel", "status", "store_key", "ordered_at"]
    orders = known.group_by(keys).aggregate([("product_key", "count"), ("quantity", "sum"), ("total_amount", "sum")])
    orders = orders.filter(pc.is_valid(pc.field("ordered_at")))
    for order in orders.to_pylist():
        store = stores.get(order["store_key"], {})
        yield order["customer_id"], _order_entry(order, store, categories.get(order["order_id"], ()))


def top_categories(order_lines: pa.Table, products: pa.Table) -> dict[str, tuple[str, ...]]:
    """The categories of each order with the largest absolute amounts, largest first."""
    labelled = order_lines.select(["order_id"])
    labelled = labelled.append_column("amount", pc.abs(order_lines["total_amount"]))
    labelled = labelled.append_column("category", attribute(order_lines, "product_key", products, "category"))
    labelled = labelled.filter(pc.is_valid(pc.field("category")))
    ranked = labelled.group_by(["order_id", "category"]).aggregate([("amount", "sum")])
    ranked = ranked.sort_by([("order_id", "ascending"), ("amount_sum", "descending"), ("category", "ascending")])
    found: dict[str, tuple[str, ...]] = {}
    for row in ranked.to_pylist():
        order_id, category = row["order_id"], row["category"]
        taken = found.get(order_id, ())
        if len(taken) < CATEGORIES_MAX:
            found[order_id] = (*taken, category)
    return found


def account_entries(user_versions: Iterable[Row]) -> Iterable[tuple[str, TimelineEntry]]:
    """Accounts opened, changed (naming the parts, not the values) and closed."""
    accounts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for version in user_versions:
        if version["user_key"] != UNKNOWN_KEY and version["customer_id"]:
            accounts[version["source"], version["source_user_id"]].append(version)
    for versions in accounts.values():
        versions.sort(key=lambda version: version["start_date"])
        yield from _account_story(versions)


def changed_parts(before: Row, after: Row) -> tuple[str, ...]:
    """Which parts of the profile differ."""
    return tuple(
        part for part, columns in PARTS.items() if any(before.get(name) != after.get(name) for name in columns)
    )


def _account_story(versions: list[Row]) -> Iterable[tuple[str, TimelineEntry]]:
    first, last = versions[0], versions[-1]
    yield first["customer_id"], TimelineEntry(first["start_date"], "account_opened", source=first["source"])
    for before, after in pairwise(versions):
        changed = changed_parts(before, after)
        if changed:
            entry = TimelineEntry(after["start_date"], "profile_changed", source=after["source"], changed=changed)
            yield after["customer_id"], entry
    if last["is_deleted"] and last["end_date"]:
        yield last["customer_id"], TimelineEntry(last["end_date"], "account_closed", source=last["source"])


def _order_entry(order: Row, store: Row, categories: tuple[str, ...]) -> TimelineEntry:
    return TimelineEntry(
        occurred_at=order["ordered_at"],
        kind="return" if order["status"] == RETURNED else "order",
        source="marketplace" if order["channel"] == "marketplace" else "shop",
        order_id=order["order_id"],
        channel=order["channel"],
        status=order["status"],
        store_id=store.get("store_id"),
        store_name=store.get("name"),
        line_count=order["product_key_count"],
        units=order["quantity_sum"],
        total_amount=order["total_amount_sum"],
        categories=categories,
    )
