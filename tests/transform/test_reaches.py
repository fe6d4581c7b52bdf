"""Whom a change concerns in a table that is looked up: a table of cases each, with who must be built anew."""

from dataclasses import dataclass

import pytest
from bronze_builders import Row, at, frame
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType
from transform.spec import Difference, optional
from transform.tables import dim_products, dim_stores, dim_users, orders_unified, return_links
from transform.tables.customer_identities import SCHEMA as IDENTITIES
from transform.tables.customer_orders import orders_of_products
from transform.tables.fact_order import lines_of_products, lines_of_stores, lines_of_users
from transform.tables.orders_unified import orders_of_customers

pytestmark = pytest.mark.servers


@dataclass(frozen=True)
class Lines:
    """`silver.orders_unified` with these rows, and nothing else to read."""

    spark: SparkSession
    rows: list[Row]

    def __call__(self, name: str) -> DataFrame:
        assert name == "silver.orders_unified"
        return partly(self.spark, orders_unified.SCHEMA, self.rows)


def partly(spark: SparkSession, schema: StructType, rows: list[Row]) -> DataFrame:
    """Rows that have some of the columns; no case is about the others."""
    return frame(spark, StructType([optional(field.name, field.dataType) for field in schema.fields]), rows)


def difference(spark: SparkSession, schema: StructType, before: list[Row], after: list[Row]) -> Difference:
    return Difference(partly(spark, schema, before), partly(spark, schema, after))


def versions(*spans: tuple[float, float | None]) -> list[Row]:
    """Versions of user 1 of the shop, by the days on which they begin and end."""
    return [
        {"source": "shop", "source_user_id": "1", "start_date": at(first), "end_date": at(last) if last else None}
        for first, last in spans
    ]


Spans = list[tuple[float, float | None]]
# What was known of a user, what is now, and the days from which on an order may be of another version than it was.
VERSIONS: dict[str, tuple[Spans, Spans, float | None]] = {
    "a new user": ([], [(2, None)], 2),
    "a user who is no more": ([(2, None)], [], 2),
    "an update": ([(1, None)], [(1, 5), (5, None)], 5),
    "a late update": ([(1, 5), (5, None)], [(1, 3), (3, 5), (5, None)], 3),
    "an update that came to nothing": ([(1, 5), (5, None)], [(1, None)], 5),
    "an earlier beginning": ([(4, None)], [(2, None)], 2),
    "a later beginning": ([(2, None)], [(4, None)], 2),
    "a deletion": ([(1, None)], [(1, 6)], 6),
    "a late deletion": ([(1, 6)], [(1, 4)], 4),
    "a deletion that was none": ([(1, 6)], [(1, None)], 6),
    "made again after the deletion": ([(1, 4)], [(1, 4), (6, None)], 6),
    "made again earlier than was known": ([(1, 3), (5, 7)], [(1, 3), (3, 7)], 3),
    "made again later than was known": ([(1, 3), (3, 7)], [(1, 3), (5, 7)], 3),
    "another address in the same versions": ([(1, 5), (5, None)], [(1, 5), (5, None)], None),
}


@pytest.mark.parametrize("case", VERSIONS)
def test_the_lines_of_a_user_are_those_since_the_first_moment_that_moved(spark: SparkSession, case: str) -> None:
    before, after, since = VERSIONS[case]
    sold: list[Row] = [
        {"order_id": str(day), "source": "shop", "source_user_id": "1", "ordered_at": at(day)} for day in range(8)
    ]
    others: list[Row] = [{"order_id": "other", "source": "shop", "source_user_id": "2", "ordered_at": at(7)}]
    others += [{"order_id": "other", "source": "marketplace", "source_user_id": "1", "ordered_at": at(7)}]
    others += [{"order_id": "nobody's", "source": "shop", "ordered_at": at(7)}]
    changed = difference(spark, dim_users.SCHEMA, versions(*before), versions(*after))
    found = lines_of_users(changed, Lines(spark, [*sold, *others])).select("order_id").collect()
    assert sorted(row["order_id"] for row in found) == [str(d) for d in range(8) if since is not None and d >= since]


A: Row = {"sku": "A", "department": "TOYS"}
B: Row = {"sku": "B"}
C: Row = {"sku": "C"}
SOLD: list[Row] = [
    {"order_id": "1", "customer_id": "C1", "sku": "A", "store_id": 1},
    {"order_id": "2", "customer_id": "C2", "sku": "B", "store_id": 2},
    {"order_id": "3", "customer_id": "C3", "sku": None, "store_id": None},
]
# Products before and after; whose lines get another key, and which orders perhaps another department.
PRODUCTS: dict[str, tuple[list[Row], list[Row], list[str], list[str]]] = {
    "a product that was sold before it was known": ([], [A], ["1"], ["1"]),
    "a product that is no more": ([A], [], ["1"], ["1"]),
    "another department": ([A], [{**A, "department": "MEAT"}], [], ["1"]),
    "a product that nobody bought": ([], [C], [], []),
    "several at once": ([A], [{**A, "department": "MEAT"}, B], ["2"], ["1", "2"]),
}


@pytest.mark.parametrize("case", PRODUCTS)
def test_a_product_concerns_its_lines_when_it_comes_or_goes_and_its_orders_at_each_change(
    spark: SparkSession, case: str
) -> None:
    before, after, lines, orders = PRODUCTS[case]
    changed, read = difference(spark, dim_products.SCHEMA, before, after), Lines(spark, SOLD)
    assert sorted(row["order_id"] for row in lines_of_products(changed, read).collect()) == lines
    assert sorted(row["order_id"] for row in orders_of_products(changed, read).collect()) == orders


SALE: Row = {"source": "shop", "source_user_id": "1", "sku": "A", "status": "completed", "quantity": 2}
RETURN: Row = {**SALE, "status": "returned", "quantity": -1}
LINKED: Row = {name: SALE[name] for name in return_links.SCOPE}
NOBODYS: Row = {"source": "shop", "sku": "A"}
# Lines before and after, the links there are, and whose are to be found anew.
RETURNS: dict[str, tuple[list[Row], list[Row], list[Row], list[str | None]]] = {
    "a purchase of what was never given back": ([], [SALE], [{**LINKED, "sku": "B"}], []),
    "a purchase of what was given back": ([], [SALE], [LINKED], ["1"]),
    "a purchase that is no more": ([SALE], [], [LINKED], ["1"]),
    "a first return": ([], [RETURN], [], ["1"]),
    "a return that is none": ([RETURN], [{**RETURN, "status": "cancelled"}], [], ["1"]),
    "a purchase of nobody known": ([], [{**SALE, **NOBODYS, "source_user_id": None}], [NOBODYS], [None]),
}


@pytest.mark.parametrize("case", RETURNS)
def test_a_purchase_concerns_links_only_where_there_is_a_return(spark: SparkSession, case: str) -> None:
    before, after, links, users = RETURNS[case]

    def read(name: str) -> DataFrame:
        assert name == "silver.return_links"
        return partly(spark, return_links.SCHEMA, links)

    found = return_links.scopes_with_returns(difference(spark, orders_unified.SCHEMA, before, after), read)
    assert [row["source_user_id"] for row in found.distinct().collect()] == users


STORE: Row = {"store_id": 1, "name": "Troy"}
STORES: dict[str, tuple[list[Row], list[Row], list[str]]] = {
    "a store that sold before it was known": ([], [STORE], ["1"]),
    "a store that is no more": ([STORE], [], ["1"]),
    "another name": ([STORE], [{**STORE, "name": "Rome"}], []),
    "a store that sold nothing": ([], [{"store_id": 9}], []),
}


@pytest.mark.parametrize("case", STORES)
def test_a_store_concerns_its_lines_when_it_comes_or_goes(spark: SparkSession, case: str) -> None:
    before, after, orders = STORES[case]
    changed = difference(spark, dim_stores.SCHEMA, before, after)
    assert sorted(row["order_id"] for row in lines_of_stores(changed, Lines(spark, SOLD)).collect()) == orders


USER: Row = {"source": "shop", "source_user_id": "1"}
TWIN: Row = {"source": "marketplace", "source_user_id": "1"}
CUSTOMERS: dict[str, tuple[list[Row], list[Row], list[str]]] = {
    "a user who ordered before anyone knew them": ([], [{**USER, "customer_id": "C1"}], ["1", "2"]),
    "a user who is another customer now": (
        [{**USER, "customer_id": "C1"}],
        [{**USER, "customer_id": "C2"}],
        ["1", "2"],
    ),
    "a user who is no more": ([{**USER, "customer_id": "C1"}], [], ["1", "2"]),
    "a user of another source under the same name": ([], [{**TWIN, "customer_id": "C1"}], ["3"]),
    "a user who never ordered": ([], [{"source": "shop", "source_user_id": "9", "customer_id": "C9"}], []),
}


@pytest.mark.parametrize("case", CUSTOMERS)
def test_a_link_concerns_all_orders_of_the_source_user(spark: SparkSession, case: str) -> None:
    before, after, orders = CUSTOMERS[case]
    sold: list[Row] = [{**USER, "order_id": "1"}, {**USER, "order_id": "2"}, {**TWIN, "order_id": "3"}]
    read = Lines(spark, [*sold, {"order_id": "4", "source": "shop"}])
    found = orders_of_customers(difference(spark, IDENTITIES, before, after), read).collect()
    assert sorted(row["order_id"] for row in found) == orders
