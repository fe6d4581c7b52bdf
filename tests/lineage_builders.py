"""A small lake in memory in which any column of bronze can be perturbed, to see which columns of the tables change."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

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
    frame,
)
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType
from transform import bronze
from transform.lineage import definitions

Rows = list[tuple[Any, ...]]


def small_lake() -> dict[str, list[Row]]:
    """Rows of every bronze table; each table of silver and gold has some rows of them."""
    buyer = a_buyer(1, email="USER1@shop.example")
    return {
        bronze.USERS: [a_user(1, city="Troy"), a_user(2), a_user(1, city="Rome", updated_at=at(3), _op="u")],
        bronze.PRODUCTS: [a_product(1, brand="A"), a_product(2, department="MEAT")],
        bronze.STORES: [a_store(1, city="Troy")],
        bronze.ORDERS: [an_order(1), an_order(2, user_id=2, channel="till"), an_order(3, status="returned")],
        bronze.ORDER_ITEMS: [
            an_item(1, 1),
            an_item(1, 2, sku="P2"),
            an_item(2, 1),
            an_item(3, 1, quantity=-2, line_amount=Decimal("-3.98")),
        ],
        bronze.MARKETPLACE_ORDERS: [
            a_document("MP-1", buyer=buyer, items=[a_line(1), a_line(2)]),
            a_document("MP-BROKEN-1", items="?", buyer=None),
        ],
        bronze.STOCK_MOVEMENTS: [a_record(a_movement("count", 9, 0)), a_record(a_movement("sale", -2))],
        bronze.EVENTS: [a_record(an_event()), a_record(an_event(kind="danced"))],
        bronze.FRAUD_LABELS: [a_record(a_label("1"))],
        bronze.ONLINE_RETAIL: [a_retail_row(1), a_retail_row(2, "C536366", Quantity="-2")],
    }


def perturbed(value: object) -> object:
    """Another value of the same type, or null for null."""
    steps: dict[type, Callable[[Any], object]] = {
        bool: lambda flag: not flag,
        int: lambda number: number + 1,
        str: lambda text: text.replace("1.50", "2.50") if "1.50" in text else text + "x",
        bytes: lambda text: text.replace(b"-2", b"-3").replace(b"9,", b"8,").replace(b"page_viewed", b"login"),
        Decimal: lambda number: number + 1,
        datetime: lambda moment: moment + timedelta(hours=1),
        date: lambda day: day + timedelta(days=1),
    }
    return None if value is None else steps[type(value)](value)


class World:
    """The tables built from one set of bronze rows, kept as rows; what a perturbation does not reach is not rebuilt."""

    def __init__(self, spark: SparkSession, lake: Mapping[str, list[Row]]) -> None:
        self._spark = spark
        self._schemas: dict[str, StructType] = dict(bronze.SCHEMAS)
        self._lake = lake
        self._rows = {name: self._bronze(name, lake.get(name, [])) for name in bronze.SCHEMAS}
        for definition in definitions():
            self._schemas[definition.name], self._rows[definition.name] = self._built(definition.name, self._rows)

    def _bronze(self, name: str, rows: list[Row]) -> Rows:
        return [tuple(row) for row in frame(self._spark, name, rows).collect()]

    def _built(self, name: str, rows: Mapping[str, Rows]) -> tuple[StructType, Rows]:
        [definition] = [each for each in definitions() if each.name == name]
        frames = [self._spark.createDataFrame(rows[read], self._schemas[read]) for read in definition.reads]
        built = definition.build(*frames)
        return built.schema, [tuple(row) for row in built.collect()]

    def frame(self, name: str) -> DataFrame:
        """A table of this world."""
        return self._spark.createDataFrame(self._rows[name], self._schemas[name])

    def changed(self, column: str, by: Callable[[Any], object] = perturbed) -> set[str]:
        """The columns of silver and gold whose values differ when a column of bronze does in all its rows."""
        table, _, name = column.rpartition(".")
        rows = dict(self._rows)
        rows[table] = self._bronze(table, [{**row, name: by(row.get(name))} for row in self._lake.get(table, [])])
        for definition in definitions():
            if any(rows[read] is not self._rows[read] for read in definition.reads):
                built = self._built(definition.name, rows)[1]
                if _bag(built) != _bag(self._rows[definition.name]):
                    rows[definition.name] = built
        return {
            f"{table}.{self._schemas[table].names[place]}"
            for table, found in rows.items()
            if found is not self._rows[table] and table.startswith(("silver.", "gold."))
            for place in range(len(self._schemas[table]))
            if _values(found, place) != _values(self._rows[table], place)
        }


def _bag(rows: Rows) -> Counter[str]:
    return Counter(map(repr, rows))


def _values(rows: Rows, place: int) -> Counter[str]:
    return Counter(repr(row[place]) for row in rows)
