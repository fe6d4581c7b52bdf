"""The law of tables: the rows of a scope follow from the input rows of that scope alone."""

from collections import Counter
from datetime import date
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
    a_retail_row,
    a_store,
    a_user,
    an_event,
    an_item,
    an_order,
    at,
    moment,
)
from lineage_builders import World, small_lake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from transform import bronze
from transform.propagation import restricted
from transform.spec import Judged, Table
from transform.tables import JUDGED, TABLES

pytestmark = [pytest.mark.long, pytest.mark.servers, pytest.mark.timeout(900)]
LOCAL: tuple[Judged | Table, ...] = (*JUDGED, *(table for table in TABLES if table.scope))


def more() -> dict[str, list[Row]]:
    """Rows by which scopes could be mixed up: alike across scopes, repeated, unknown, empty."""
    shared = a_buyer(3, email="user3@shop.example", phone="212 555 0002")
    boris = {"first_name": "Boris", "last_name": "Novak", "birth_date": date(1961, 2, 3)}
    sold_twice = a_retail_row(5, "536370", StockCode="22728")
    return {
        bronze.USERS: [
            a_user(3, city="Troy"),
            a_user(4, city="Troy", **boris),
            a_user(3, city="Oslo", updated_at=at(0.5), _op="u"),  # late: of before the other changes
            a_user(4, _op="d", closed_at=at(2), **boris),
            a_user(4, city="Rome", updated_at=at(5), **boris),
            a_user(5, updated_at=None),
            a_user(2, city=None, _op="u", _unchanged='["city"]', updated_at=at(6)),
        ],
        bronze.PRODUCTS: [a_product(3, sku="unknown"), a_product(2, department="TOYS", _op="u"), a_product(4, _op="d")],
        bronze.STORES: [a_store(2), a_store(1, city="Rome", _op="u"), a_store(3, _op="d")],
        bronze.ORDERS: [
            *(an_order(number, user_id=4, currency="EUR", store_id=2, ordered_at=at(number)) for number in (4, 5)),
            an_order(6, user_id=None, ordered_at=at(7)),
            an_order(900000000000, user_id=4, status="returned", returns_order_id=4, ordered_at=at(8)),
            an_order(1, status="cancelled", _op="u"),
        ],
        bronze.ORDER_ITEMS: [
            *(an_item(number, 1, sku="P3") for number in (4, 5, 6, 404)),
            an_item(4, 2, sku="unknown"),
            an_item(5, 2, _op="d"),
            an_item(900000000000, 1, sku="P3", quantity=-1, line_amount=Decimal("-1.99")),
        ],
        bronze.MARKETPLACE_ORDERS: [
            a_document("4", buyer=shared),  # the shop has it too
            a_document(
                "MP-2", buyer=shared, items=[a_line(1), a_line(1), a_line(2, sku="P3")], placed_at=moment(at(4))
            ),
            a_document("MP-3", buyer=a_buyer(1), status="lost"),
            a_document("MP-1", change={"_op": "d", "document": None}),
        ],
        bronze.STOCK_MOVEMENTS: [
            a_record(a_movement("receipt", 5, 2, sku="P2")),
            a_record(a_movement("count", 7, 2, sku="P2", location="store-2")),
            a_record(a_movement("sale", 1)),
            a_record(b"?"),
        ],
        bronze.EVENTS: [a_record(an_event(event_id="twice")), a_record(an_event(event_id="twice")), a_record(b"?")],
        bronze.FRAUD_LABELS: [a_record(a_label("4")), a_record(a_label("5", is_fraud="maybe"))],
        bronze.ONLINE_RETAIL: [
            sold_twice,
            {**sold_twice, "_position": "2010-12-02.csv@0123456789ab/000000000001"},
            a_retail_row(6, "536370", StockCode="22728", Quantity=" 6"),
            a_retail_row(7, None),
        ],
    }


@pytest.fixture(scope="module")
def world(spark: SparkSession) -> World:
    added = more()
    return World(spark, {name: [*rows, *added[name]] for name, rows in small_lake().items()})


def bag(rows: DataFrame) -> Counter[str]:
    return Counter(map(repr, rows.collect()))


def all_scopes(node: Judged | Table, inputs: list[DataFrame]) -> DataFrame:
    """The scopes of everything that the node reads by scope."""
    scopes = None
    for given, rows in zip(node.reads, inputs, strict=True):
        if given.keys is not None:
            named = [F.expr(key).alias(name) for key, name in zip(given.keys, node.scope, strict=True)]
            found = rows.select(*named)
            scopes = found if scopes is None else scopes.unionByName(found)
    assert scopes is not None
    return scopes.distinct()


def within(node: Judged | Table, inputs: list[DataFrame], scopes: DataFrame) -> list[DataFrame]:
    """The inputs, of which those that are read by scope have these scopes alone."""
    return [
        restricted(rows, given.keys, scopes, node.scope) if given.keys is not None else rows
        for given, rows in zip(node.reads, inputs, strict=True)
    ]


def half_of(node: Judged | Table, scopes: DataFrame, built: DataFrame) -> DataFrame:
    """Every other scope, of those with rows and of those without."""
    with_rows = set(map(tuple, built.select(*node.scope).collect()))
    known = sorted(map(tuple, scopes.collect()), key=lambda scope: (scope in with_rows, repr(scope)))
    return scopes.sparkSession.createDataFrame(known[::-2], scopes.schema)


@pytest.mark.parametrize("node", LOCAL, ids=lambda node: node.name)
def test_some_scopes_are_built_from_their_own_rows_as_from_all_rows(world: World, node: Judged | Table) -> None:
    inputs, built = [world.frame(given.name) for given in node.reads], world.frame(node.name)
    half = half_of(node, all_scopes(node, inputs), built)
    whole = bag(restricted(built, node.scope, half, node.scope))
    assert bag(restricted(node.build(*within(node, inputs, half)), node.scope, half, node.scope)) == whole
    assert 0 < whole.total() < built.count()
