"""An incremental run and a full one are the same function of bronze."""

from datetime import timedelta

import pytest
from bronze_builders import (
    a_buyer,
    a_document,
    a_label,
    a_line,
    a_movement,
    a_product,
    a_record,
    a_retail_row,
    a_store,
    a_user,
    an_event,
    an_item,
    an_order,
    at,
    write_bronze,
)
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import latest_release
from transform import bronze, jobs
from transform.storage import Lake

# Several runs of everything, each of which takes a busy machine minutes.
pytestmark = [pytest.mark.servers, pytest.mark.timeout(1200)]
START = at(30)
# An invoice that was entered over midnight has lines of two days.
NEXT_DAY = {"InvoiceDate": "2010-12-02 00:01:00"}


class Clocked:
    """A lake and a clock that moves on an hour with each run."""

    def __init__(self, lake: Lake) -> None:
        self.lake, self.clock = lake, ManualClock(START)

    def run(self, *, full: bool = False) -> jobs.Run:
        self.clock.advance(timedelta(hours=1))
        return jobs.run(self.lake, self.clock, full=full)

    def hashes(self) -> dict[str, str]:
        newest = latest_release(self.lake.catalog)
        assert newest is not None
        return jobs.hashes(self.lake, newest)

    def differing_from_full(self) -> list[str]:
        """The tables that a rebuild from nothing makes differently."""
        incremental = self.hashes()
        self.run(full=True)
        full = self.hashes()
        return [name for name in full if full[name] != incremental[name]]


def first(lake: Lake) -> None:
    write_bronze(lake.catalog, bronze.USERS, [a_user(1), a_user(2), a_user(3)])
    write_bronze(lake.catalog, bronze.PRODUCTS, [a_product(1), a_product(2)])
    write_bronze(lake.catalog, bronze.STORES, [a_store(1)])
    write_bronze(lake.catalog, bronze.ORDERS, [an_order(1), an_order(2, user_id=2), an_order(3, user_id=9)])
    write_bronze(lake.catalog, bronze.ORDER_ITEMS, [an_item(1, 1), an_item(1, 2, sku="P2"), an_item(2, 1), an_item(3)])
    write_bronze(lake.catalog, bronze.MARKETPLACE_ORDERS, [a_document("MP-1", buyer=a_buyer(1))])
    write_bronze(lake.catalog, bronze.STOCK_MOVEMENTS, [a_record(a_movement("count", 9, 0))])
    write_bronze(lake.catalog, bronze.EVENTS, [a_record(an_event()), a_record(an_event(kind="danced"))])
    write_bronze(lake.catalog, bronze.FRAUD_LABELS, [a_record(a_label("1"))])
    write_bronze(lake.catalog, bronze.ONLINE_RETAIL, [a_retail_row(1), a_retail_row(2, **NEXT_DAY)])


def second(lake: Lake) -> None:
    """A move, a new user for an order that waited, a link, a late movement, a repeated event, a line without number."""
    moved = a_user(1, city="Rome", updated_at=at(0.5), _op="u")
    write_bronze(lake.catalog, bronze.USERS, [moved, a_user(9), a_user(3, _op="d", closed_at=at(4))])
    write_bronze(lake.catalog, bronze.PRODUCTS, [a_product(2, department="TOYS", _op="u"), a_product(3)])
    write_bronze(lake.catalog, bronze.ORDERS, [an_order(2, user_id=2, status="cancelled", _op="u"), an_order(4)])
    items = [an_item(1, 2, _op="d"), an_item(4, sku="P3"), an_item(5), {**an_item(4), "line_number": None}]
    write_bronze(lake.catalog, bronze.ORDER_ITEMS, items)
    linked = a_document("MP-2", buyer=a_buyer(2, email="USER2@shop.example"), items=[a_line(1), a_line(1)])
    write_bronze(lake.catalog, bronze.MARKETPLACE_ORDERS, [linked, a_document("MP-1", items="?")])
    late = [a_record(a_movement("sale", -2, 0.2)), a_record(a_movement("sale", -1, 5)), a_record(b"?")]
    write_bronze(lake.catalog, bronze.STOCK_MOVEMENTS, late)
    event = an_event()
    write_bronze(lake.catalog, bronze.EVENTS, [a_record(event), a_record(event)])
    # Of the invoice one line does not change, and lies in the partition of another day.
    write_bronze(lake.catalog, bronze.ONLINE_RETAIL, [a_retail_row(3, StockCode="84406B", **NEXT_DAY)])


def test_a_run_on_top_of_a_release_makes_what_a_full_run_makes_and_one_after_which_nothing_came_nothing(
    lake: Lake,
) -> None:
    shop = Clocked(lake)
    first(lake)
    assert shop.run().full
    second(lake)
    done = shop.run()
    assert not done.full, done.why
    assert all(result.holds for result in done.results)
    balances = {
        balance.table: (balance.delivered, balance.repeated, balance.quarantined) for balance in done.conservation
    }
    assert balances["silver.events_clean"] == (4, 1, 1)
    assert balances["silver.keyless_changes"] == (1, 0, 1)
    again = shop.run().published
    assert again is not None
    assert done.published is not None
    assert again.release_id == done.published.release_id
    assert shop.differing_from_full() == []


@pytest.mark.long
def test_a_truncate_makes_void_what_was_before_it(lake: Lake) -> None:
    shop = Clocked(lake)
    first(lake)
    shop.run()
    write_bronze(lake.catalog, bronze.ORDERS, [{**an_order(), "order_id": None, "_op": "t"}, an_order(7)])
    write_bronze(lake.catalog, bronze.USERS, [{**a_user(), "user_id": None, "_op": "t"}])
    assert not shop.run().full
    late = [an_order(6, _position="0000000000000000/00000000")]
    write_bronze(lake.catalog, bronze.ORDERS, late)
    shop.run()
    assert shop.differing_from_full() == []


@pytest.mark.long
def test_bronze_that_lost_its_way_from_the_last_release_is_read_anew(lake: Lake) -> None:
    shop = Clocked(lake)
    first(lake)
    shop.run()
    lake.catalog.drop_table(bronze.FRAUD_LABELS)
    write_bronze(lake.catalog, bronze.FRAUD_LABELS, [a_record(a_label("2"))])
    done = shop.run()
    assert "bronze_kafka__fraud_labels" in done.why
    assert done.rows["silver.fraud_labels"] == 1
