"""One record that is well typed and absurd never stops a release: it stands in the quarantine, and the rest goes on."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from bronze_builders import (
    Row,
    a_buyer,
    a_document,
    a_label,
    a_line,
    a_movement,
    a_product,
    a_record,
    a_user,
    an_event,
    an_item,
    an_order,
    at,
    decimal,
    long,
    write_bronze,
)
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import Release, latest_release, scan_release
from transform import bronze, jobs, tables
from transform.storage import Lake

# Several runs of everything, each of which takes a busy machine minutes.
pytestmark = [pytest.mark.long, pytest.mark.servers, pytest.mark.timeout(1200)]
GREATEST = 2**63 - 1
NEVER = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


def documents() -> list[Row]:
    """One good order, and one for each absurdity; the buyers are different people."""
    absurd: list[Row] = [
        {"placed_at": {"$date": long(GREATEST)}},
        {"placed_at": {"$date": long(-GREATEST - 1)}},
        {"placed_at": {"$date": long(300_000_000_000_000)}},  # the year 11476: Python has no such datetime
        {"updated_at": {"$date": long(GREATEST)}},
        {"items": [a_line(1, quantity=long(GREATEST))]},
        {"items": [a_line(1, amount=decimal("9999999999999999.99"))]},
        {"items": [a_line(1, discount=decimal("9.9E+6144"))]},
        {"order_number": "MP-0"},  # another order's
        {"order_number": "1"},  # an order of the shop
        {"items": "[1, 2"},
        {"buyer": json.dumps(a_buyer(99)), "items": []},
    ]
    spoiled = [a_document(f"MP-{n}", **{"buyer": a_buyer(n), **odd}) for n, odd in enumerate(absurd, 1)]
    return [a_document("MP-0", buyer=a_buyer(0)), *spoiled]


def records(good: Row, *odd: Row | bytes) -> list[Row]:
    return [a_record(good), *(a_record(one) for one in odd)]


def fill(lake: Lake) -> None:
    """Every bronze table with absurd rows beside good ones."""
    far = "9999-12-31T23:59:59-12:00"
    write_bronze(lake.catalog, bronze.MARKETPLACE_ORDERS, documents())
    users = [
        a_user(1),
        a_user(2, updated_at=NEVER),
        a_user(3, created_at=NEVER),
        a_user(4, birth_date=date(9999, 1, 1)),
    ]
    write_bronze(lake.catalog, bronze.USERS, users)
    write_bronze(lake.catalog, bronze.PRODUCTS, [a_product(1), a_product(2, sku="unknown")])
    write_bronze(lake.catalog, bronze.ORDERS, [an_order(1), an_order(2, ordered_at=NEVER), an_order(3)])
    items = [
        an_item(1, 1),
        an_item(1, 2, sku="unknown"),
        an_item(1, 3, quantity=GREATEST),
        an_item(2, 1),
        an_item(3, 1, line_amount=Decimal("9999999999.99")),  # the most that the shop can store
    ]
    write_bronze(lake.catalog, bronze.ORDER_ITEMS, items)
    twice = json.dumps(an_event(event_id="e-2")).encode().replace(b'"event_id"', b'"event_id": "e-1", "event_id"')
    long_number = json.dumps(an_event(event_id="e-3", more=1)).encode().replace(b": 1}", b": " + b"1" * 2000 + b"}")
    odd_events: list[Row | bytes] = [
        an_event(quantity=GREATEST),
        an_event(occurred_at=far),
        twice,
        twice,
        long_number,
        long_number,
    ]
    write_bronze(lake.catalog, bronze.EVENTS, records(an_event(), *odd_events))
    huge = [a_movement("receipt", quantity) for quantity in (GREATEST, 2**53 - 1)]
    odd_movements = [*huge, a_movement("sale", -1, occurred_at=far), a_movement("sale", -1, sku="P" * 65)]
    write_bronze(lake.catalog, bronze.STOCK_MOVEMENTS, records(a_movement("count", 9, 0), *odd_movements))
    write_bronze(lake.catalog, bronze.FRAUD_LABELS, records(a_label("1"), a_label("2", occurred_at=far)))


def rejected(lake: Lake, pinned: Release) -> Counter[tuple[str, str]]:
    """How often each column of each table is the reason of a rejection."""
    rows = scan_release(lake.catalog, pinned, "silver.quarantine", ("table", "column")).to_pylist()
    return Counter((row["table"].removeprefix("silver."), row["column"]) for row in rows)


def test_absurd_records_stand_in_quarantine_and_the_release_is_made(lake: Lake) -> None:
    fill(lake)

    done = jobs.run(lake, ManualClock(at(30)))

    pinned = latest_release(lake.catalog)
    assert pinned is not None
    assert rejected(lake, pinned) == {
        ("users_scd", "event_at"): 4,
        ("users_scd", "first_seen_at"): 1,
        ("users_scd", "birth_date"): 1,
        ("orders_unified", "ordered_at"): 4,
        ("orders_unified", "updated_at"): 1,
        ("orders_unified", "quantity"): 2,
        ("orders_unified", "total_amount"): 1,
        ("orders_unified", "discount_amount"): 1,
        ("orders_unified", "order_id"): 2,
        ("orders_unified", "items"): 2,
        ("events_clean", "quantity"): 1,
        ("events_clean", "occurred_at"): 1,
        ("events_clean", "event_id"): 2,
        ("stock_movements_clean", "quantity"): 2,
        ("stock_movements_clean", "occurred_at"): 1,
        ("stock_movements_clean", "sku"): 1,
        ("fraud_labels", "known_at"): 1,
    }
    assert all(balance.result().holds for balance in done.conservation)
    for table in tables.TABLES:  # what is kept of bronze is not judged, and not for readers
        scan_release(lake.catalog, pinned, table.name).to_pylist()  # every reader can hold every value
    assert done.rows["gold.fact_order"] == 4
