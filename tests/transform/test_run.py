"""A whole run on a small lake: bronze in, one release out."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pyarrow.compute as pc
import pytest
from bronze_builders import (
    a_buyer,
    a_document,
    a_label,
    a_line,
    a_movement,
    a_product,
    a_record,
    a_store,
    a_user,
    an_event,
    an_item,
    an_order,
    at,
    write_bronze,
)
from pyiceberg.catalog import Catalog
from pyspark.sql.types import LongType, StringType, StructField, StructType
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import latest_release, scan_release
from transform import bronze, jobs, release, tables
from transform.errors import ChecksFailed, SchemaMismatch
from transform.storage import Lake, check_schema
from transform.tables import fact_order, fraud_labels

# Several runs of everything, each of which takes a busy machine minutes.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(1200)]
START = at(30)
FACTS, LABELS = fact_order.TABLE, fraud_labels.TABLE
TWICE = replace(FACTS, build=lambda *frames: FACTS.build(*frames).union(FACTS.build(*frames)))


def fill(catalog: Catalog) -> None:
    """Two users, one of whom also buys on the marketplace; three orders, a document and events that nobody can read."""
    write_bronze(
        catalog, bronze.USERS, [a_user(1), a_user(2), a_user(1, email="ann@new.example", updated_at=at(3), _op="u")]
    )
    write_bronze(catalog, bronze.PRODUCTS, [a_product(1), a_product(2)])
    write_bronze(catalog, bronze.STORES, [a_store(1)])
    write_bronze(catalog, bronze.ORDERS, [an_order(1), an_order(2, user_id=2, channel="till")])
    write_bronze(catalog, bronze.ORDER_ITEMS, [an_item(1, 1), an_item(1, 2, sku="P2"), an_item(2, 1)])
    buyer = a_buyer(1, email="USER1@shop.example")
    documents = [
        a_document("MP-1", buyer=buyer, items=[a_line(1), a_line(2)]),
        a_document("MP-BROKEN-1", items="?", buyer=None),
    ]
    write_bronze(catalog, bronze.MARKETPLACE_ORDERS, documents)
    sale = a_record(a_movement("sale", -2))
    write_bronze(
        catalog, bronze.STOCK_MOVEMENTS, [a_record(a_movement("count", 9, 0)), sale, {**sale, "_position": "00000/9"}]
    )
    # Ingest rejected the third, whatever silver would have thought of it.
    events = [a_record(an_event()), a_record(an_event(kind="danced")), a_record(an_event(), _rejected="key_wrong")]
    write_bronze(catalog, bronze.EVENTS, events)
    write_bronze(catalog, bronze.FRAUD_LABELS, [a_record(a_label("1"))])


def test_a_run_publishes_one_release_that_a_pinned_reader_sees_and_one_that_fails_its_checks_none(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake.catalog)
    clock = ManualClock(START)

    first = jobs.run(lake, clock)

    pinned = latest_release(lake.catalog)
    assert pinned is not None
    assert first.published is not None
    assert (pinned.release_id, pinned.created_at) == (first.published.release_id, START)
    assert set(pinned.snapshots) == {stored.name for stored in jobs.STORED}
    stored = {name: lake.current_snapshot(name) for name in bronze.SCHEMAS if name != bronze.ONLINE_RETAIL}
    assert first.published.consumed == stored
    facts = scan_release(lake.catalog, pinned, "gold.fact_order")
    assert facts.num_rows == first.rows["gold.fact_order"] == 5
    assert pc.sum(facts["total_amount"]).as_py() == 3 * Decimal("3.98") + 2 * Decimal("1.50")
    customers = scan_release(lake.catalog, pinned, "gold.customer_360").to_pylist()
    assert sorted(row["order_count"] for row in customers) == [1, 2]
    assert first.rows["silver.quarantine"] == 2
    assert {b.table: (b.came_in, b.out, b.quarantined) for b in first.conservation} == {
        "silver.users_scd": (4, 4, 0),
        "silver.orders_unified": (6, 5, 1),
        "silver.stock_movements_clean": (2, 2, 0),
        "silver.events_clean": (2, 1, 1),
        "silver.fraud_labels": (1, 1, 0),
        "silver.keyless_changes": (0, 0, 0),
    }

    assert all(result.holds for result in jobs.check_release(lake, pinned))
    assert statistics_of_personal_columns(lake.catalog) == []

    clock.advance(timedelta(hours=1))
    monkeypatch.setattr(jobs, "TABLES", tuple(TWICE if table is FACTS else table for table in tables.TABLES))
    with pytest.raises(ChecksFailed, match=r"gold\.fact_order unique \(order_id, line_number\): 5 failing"):
        jobs.run(lake, clock, full=True)

    assert latest_release(lake.catalog) == pinned
    assert [row.release_id for row in release.published(lake.catalog)] == [pinned.release_id]
    assert lake.current_snapshot(FACTS.name) == pinned.snapshots[FACTS.name]


def statistics_of_personal_columns(catalog: Catalog) -> list[str]:
    """The personal columns of which a manifest holds a bound."""
    found = []
    for table in jobs.STORED:
        stored = catalog.load_table(table.name)
        ids = {stored.schema().find_field(leaf).field_id: f"{table.name}.{leaf}" for leaf in table.personal_leaves}
        for task in stored.scan().plan_files():
            bounds = (task.file.lower_bounds or {}, task.file.upper_bounds or {})
            found += [name for number, name in ids.items() if any(number in bound for bound in bounds)]
    return found


def test_a_table_that_lacks_a_column_gets_it(lake: Lake) -> None:
    narrow = replace(LABELS, schema=StructType(LABELS.schema.fields[:-1]))
    lake.prepare(narrow, "run_before", None)
    lake.prepare(LABELS, "run_after", None)
    assert lake.spark.table(lake.full_name(LABELS.name)).columns == LABELS.schema.names


def test_rows_that_differ_from_the_schema_are_named_column_by_column() -> None:
    found = StructType(
        [*LABELS.schema.fields[:-1], StructField("event_id", LongType()), StructField("mood", StringType())]
    )
    with pytest.raises(SchemaMismatch, match="event_id: bigint, declared string; mood: not declared"):
        check_schema(found, LABELS)
