"""Holds the sources' own rows against the rows that folding bronze by key gives, value by value."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
from bson import json_util
from pymongo import MongoClient

from shopsphere_local.demo.folding import live
from shopsphere_local.demo.lakehouse import Bronze, query, query_arrow
from shopsphere_local.journey.bootstrap import Document

# The key of each table of the shop, as the source declares it.
SHOP_KEYS = {
    "users": ("user_id",),
    "products": ("product_id",),
    "stores": ("store_id",),
    "orders": ("order_id",),
    "order_items": ("order_id", "line_number"),
}
META = ("_op", "_unchanged", "_position", "_committed_at", "_ingested_at")


def differing_rows(lake: Bronze, dsn: str, mongo_uri: str) -> dict[str, int]:
    """Rows per source table that stand on one side alone or differ in any value."""
    found = {}
    with psycopg.connect(dsn) as connection:
        for table, key in SHOP_KEYS.items():
            found[f"postgres.{table}"] = _differing_table(lake, connection, table, key)
    with MongoClient[Document](mongo_uri) as client:
        documents = client["marketplace"]["marketplace_orders"].find({})
        source = {json_util.dumps(each["_id"]): _canonical(each) for each in documents}
    found["mongo.marketplace_orders"] = _differing_documents(lake, source)
    return found


def repeated_positions(lake: Bronze, tables: list[str]) -> dict[str, int]:
    """Rows per bronze table whose position another row of the table has as well: something was taken twice."""
    sql = "SELECT count(*) - count(DISTINCT _position) FROM rows"
    return {name: int(query(sql, {"rows": lake.bronze(name, ("_position",))})[0][0]) for name in tables}


def _differing_table(lake: Bronze, connection: psycopg.Connection, table: str, key: tuple[str, ...]) -> int:
    rows = lake.bronze(f"bronze_postgres__{table}")
    columns = [name for name in rows.column_names if name not in META]
    selected = ", ".join(f'"{name}"' for name in columns)
    source = set(connection.execute(f"SELECT {selected} FROM public.{table}"))  # noqa: S608
    return len(source ^ set(_live(rows, columns, key)))


def _live(rows: pa.Table, columns: list[str], key: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    by_key = ", ".join(f'"{name}"' for name in key)
    selected = ", ".join(f'"{name}"' for name in columns)
    found = query_arrow(live(selected, by_key), {"rows": rows})
    return zip(*(column.to_pylist() for column in found.columns), strict=True)


def _differing_documents(lake: Bronze, source: dict[str, str]) -> int:
    rows = lake.bronze("bronze_mongo__marketplace_orders", ("_id", "document", "_op", "_position"))
    documents = query(live("_id, document", "_id"), {"rows": rows})
    bronze = {key: _canonical(json_util.loads(text)) for key, text in documents}
    return sum(source.get(key) != bronze.get(key) for key in source.keys() | bronze.keys())


def _canonical(document: Document) -> str:
    text = json_util.dumps(document, json_options=json_util.CANONICAL_JSON_OPTIONS)
    return json.dumps(json.loads(text), sort_keys=True)
