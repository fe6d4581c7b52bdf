"""Every figure of gold equals its recomputation in DuckDB from the source files and bronze's raw rows, to the cent."""

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest
from demo_fixture import DemoRun
from gold_recomputed import GOLD, recompute
from shopsphere_kit.lake import latest_release, open_catalog

pytestmark = [pytest.mark.servers, pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def both(demo_run: DemoRun) -> Iterator[duckdb.DuckDBPyConnection]:
    """The recomputed tables beside those of the demo's release."""
    catalog = open_catalog(demo_run.lake)
    release = latest_release(catalog)
    assert release is not None
    with closing(recompute(catalog, release, demo_run.days)) as database:
        yield database


def rows(database: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return database.execute(sql).fetchall()


def differing(database: duckdb.DuckDBPyConnection, ours: str, theirs: str, columns: str) -> list[tuple[object, ...]]:
    """Rows that stand on one side alone, in these columns."""
    one, other = (f"select {columns} from {table}" for table in (ours, theirs))  # noqa: S608 - names of this module
    return rows(database, f"({one} except all {other}) union all ({other} except all {one})")


def columns(database: duckdb.DuckDBPyConnection, table: str) -> str:
    return ", ".join(str(row[0]) for row in rows(database, f"describe {table}"))


def test_every_basket_of_the_days_is_an_order_of_one_channel_with_its_total(both: duckdb.DuckDBPyConnection) -> None:
    sold = "select basket_id from heads where not is_return"
    baskets = "select basket_id from baskets"
    assert rows(both, f"({sold} except all {baskets}) union all ({baskets} except all {sold})") == []
    odd = "select * from scaled where told <> factor * counted or factor not in (-1, 1, 5)"
    assert rows(both, odd) == []


def test_every_line_of_the_facts_is_the_line_of_the_files(both: duckdb.DuckDBPyConnection) -> None:
    line = (
        "order_id, line_number, channel, status, source, source_user_id, store_id, sku, currency, quantity,"
        " total_amount, discount_amount, price_millionths, ordered_at, day, department"
    )
    assert differing(both, "expected", "facts", line) == []
    assert rows(both, "select count(*) > 5000 from expected") == [(True,)]


@pytest.mark.parametrize("by", ["channel", "status", "day", "store_id", "department", "sku", "source_user_id"])
def test_lines_units_and_money_agree(both: duckdb.DuckDBPyConnection, by: str) -> None:
    sums = "count(*), count(distinct order_id), sum(quantity), sum(discount_amount), sum(total_amount)"
    ours, theirs = (f"select {by}, currency, {sums} from {table} group by all" for table in ("facts", "expected"))  # noqa: S608
    assert rows(both, f"({ours} except {theirs}) union all ({theirs} except {ours})") == []


def test_a_line_has_the_customer_of_its_user_and_the_version_of_its_moment(both: duckdb.DuckDBPyConnection) -> None:
    wrong = (
        "select * from facts left join people using (source, source_user_id) where source is not null and ("
        "facts.customer_id is distinct from people.customer_id or facts.ordered_at < start_date"
        " or facts.ordered_at >= end_date)"
    )
    assert rows(both, wrong) == []


def test_every_figure_of_every_customer_agrees(both: duckdb.DuckDBPyConnection) -> None:
    assert differing(both, "customers", "customer_360", columns(both, "customers")) == []
    assert rows(both, "select count(*) > 0 from customers where total_amount > 0") == [(True,)]


@pytest.mark.parametrize("table", GOLD)
def test_a_table_has_as_many_rows_as_the_sources_say(both: duckdb.DuckDBPyConnection, table: str) -> None:
    assert rows(both, f"select count(*) from {table}") == rows(both, f"select {table} from counts")  # noqa: S608


def test_every_key_of_a_dimension_stands_once_and_the_unknown_member_is_there(both: duckdb.DuckDBPyConnection) -> None:
    for table, key in (
        ("users", "user_key"),
        ("products", "product_key"),
        ("stores", "store_key"),
        ("date", "date_key"),
    ):
        found = f"select count(*) - count(distinct {key}), count(*) filter ({key} = 0) from dim_{table}"  # noqa: S608
        assert rows(both, found) == [(0, 1)], table
