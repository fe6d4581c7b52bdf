"""Orders that change what others are, run after run: the same tables as a rebuild from nothing."""

from datetime import timedelta
from typing import Any

import pytest
from bronze_builders import a_document, a_retail_row, an_item, an_order, at, write_bronze
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import Release, latest_release, scan_release
from transform import bronze, jobs
from transform.storage import Lake

pytestmark = [pytest.mark.long, pytest.mark.servers]


def run(lake: Lake, hour: int, *, full: bool = False) -> tuple[jobs.Run, Release]:
    done = jobs.run(lake, ManualClock(at(30) + timedelta(hours=hour)), full=full)
    newest = latest_release(lake.catalog)
    assert newest is not None
    return done, newest


def rows(lake: Lake, pinned: Release, table: str, *columns: str) -> list[tuple[Any, ...]]:
    found = scan_release(lake.catalog, pinned, table, columns).to_pylist()
    return sorted((tuple(row.values()) for row in found), key=str)


def test_an_order_that_comes_to_the_shop_and_a_sale_before_a_return_change_what_was_there(lake: Lake) -> None:
    write_bronze(lake.catalog, bronze.MARKETPLACE_ORDERS, [a_document("7"), a_document("MP-1")])
    write_bronze(lake.catalog, bronze.ORDERS, [an_order(9, status="returned", ordered_at=at(9))])
    write_bronze(lake.catalog, bronze.ORDER_ITEMS, [an_item(9, quantity=-2)])
    _, first = run(lake, 1)
    assert rows(lake, first, "silver.orders_unified", "order_id", "source") == [
        ("7", "marketplace"),
        ("9", "shop"),
        ("MP-1", "marketplace"),
    ]
    assert rows(lake, first, "silver.return_links", "order_id", "evidence") == [("9", "unlinked")]

    write_bronze(lake.catalog, bronze.ORDERS, [an_order(7), an_order(8, ordered_at=at(8))])
    write_bronze(lake.catalog, bronze.ORDER_ITEMS, [an_item(7), an_item(8)])
    write_bronze(lake.catalog, bronze.ONLINE_RETAIL, [a_retail_row(1), a_retail_row(2), a_retail_row(3, Quantity="4")])
    second_run, second = run(lake, 2)
    assert not second_run.full
    assert rows(lake, second, "silver.orders_unified", "order_id", "line_number", "source") == [
        ("7", 1, "shop"),
        ("8", 1, "shop"),
        ("9", 1, "shop"),
        ("MP-1", 1, "marketplace"),
        ("OR-536365", 1, "online_retail"),
        ("OR-536365", 2, "online_retail"),
    ]
    assert rows(lake, second, "silver.return_links", "order_id", "sold_order_id") == [("9", "8")]
    [balance] = [each for each in second_run.conservation if each.table == "silver.orders_unified"]
    assert (balance.delivered, balance.out, balance.quarantined, balance.repeated) == (8, 6, 0, 2)

    incremental = jobs.hashes(lake, second)
    _, full = run(lake, 3, full=True)
    assert {name: hashed for name, hashed in jobs.hashes(lake, full).items() if incremental[name] != hashed} == {}
