"""A source that says nothing for longer than it promises is told of."""

from datetime import UTC, datetime, timedelta

import pytest
from bronze_builders import an_order, write_bronze
from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from transform import bronze
from transform.freshness import Freshness, freshness

DAY = timedelta(days=1)


@pytest.fixture
def catalog(lake_settings: LakeSettings) -> Catalog:
    return open_catalog(lake_settings)


def test_a_source_is_stale_when_it_gained_nothing_for_longer_than_it_promises(catalog: Catalog) -> None:
    write_bronze(catalog, bronze.ORDERS, [an_order(1)])
    (orders,) = freshness(catalog)
    assert (orders.table, orders.within) == (bronze.ORDERS, DAY)
    assert orders.gained_at is not None
    assert not orders.is_stale(orders.gained_at + DAY)
    assert orders.is_stale(orders.gained_at + DAY + timedelta(seconds=1))


def test_a_delete_brings_nothing_fresh(catalog: Catalog) -> None:
    write_bronze(catalog, bronze.ORDERS, [an_order(1), an_order(2)])
    before = freshness(catalog)
    catalog.load_table(bronze.ORDERS).delete("order_id = 1")
    assert freshness(catalog) == before


def test_a_source_that_never_said_anything_is_stale() -> None:
    assert Freshness(bronze.USERS, None, DAY).is_stale(datetime(2026, 1, 1, tzinfo=UTC))


def test_every_source_but_the_files_makes_a_promise() -> None:
    assert set(bronze.SCHEMAS) - set(bronze.FRESH_WITHIN) == {bronze.ONLINE_RETAIL}
