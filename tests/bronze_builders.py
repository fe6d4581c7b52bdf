"""Rows of bronze as ingest writes them, and lakes made of such rows, for the tests of what reads bronze."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType
from transform import bronze

Row = dict[str, Any]
START = datetime(2026, 1, 1, tzinfo=UTC)
_running = count(1)
# Users are different people: who has another's name and birthday is taken for the same.
FIRST_NAMES = ("Ann", "Bo", "Cem", "Dora", "Edda", "Finn", "Greta")
LAST_NAMES = ("Lee", "Quist", "Rossi", "Tanaka", "Usman", "Vogel", "Watts", "Xenakis", "Young", "Zola", "Marsh")


def at(days: float = 0) -> datetime:
    """A moment so many days after the start of the tests' calendar."""
    return START + timedelta(days=days)


def _stamped(row: Row, **given: object) -> Row:
    number = next(_running)
    stamps = {"_op": "c", "_position": f"{number:016X}/00000000", "_committed_at": at(), "_ingested_at": at()}
    return {**stamps, **row, **given}


def a_user(user_id: int = 1, **given: object) -> Row:
    """A change of a user."""
    row = {
        "user_id": user_id,
        "first_name": FIRST_NAMES[(user_id - 1) % len(FIRST_NAMES)],
        "last_name": LAST_NAMES[(user_id - 1) % len(LAST_NAMES)],
        "email": f"user{user_id}@shop.example",
        "phone": f"212555{user_id:04d}",
        "birth_date": date(1980, 5, 17) + timedelta(days=397 * (user_id - 1)),
        "marketing_consent": True,
        "created_at": at(),
        "updated_at": at(),
    }
    return _stamped(row, **given)


def a_product(product_id: int = 1, **given: object) -> Row:
    """A change of a product."""
    row = {"product_id": product_id, "sku": f"P{product_id}", "department": "GROCERY", "updated_at": at()}
    return _stamped(row, **given)


def a_store(store_id: int = 1, **given: object) -> Row:
    """A change of a store."""
    row = {"store_id": store_id, "name": f"Store {store_id}", "latitude": Decimal("40.712800"), "updated_at": at()}
    return _stamped(row, **given)


def an_order(order_id: int = 1, **given: object) -> Row:
    """A change of an order of the shop."""
    row = {
        "order_id": order_id,
        "user_id": 1,
        "store_id": 1,
        "channel": "web",
        "status": "completed",
        "currency": "USD",
        "card_token": "card-1",
        "ordered_at": at(1),
        "updated_at": at(1),
    }
    return _stamped(row, **given)


def an_item(order_id: int = 1, line_number: int = 1, **given: object) -> Row:
    """A change of an order line of the shop: two units, 3.98 paid, 0.02 off."""
    row = {
        "order_id": order_id,
        "line_number": line_number,
        "sku": "P1",
        "quantity": 2,
        "unit_price": Decimal("2.000000"),
        "discount_amount": Decimal("0.02"),
        "line_amount": Decimal("3.98"),
    }
    return _stamped(row, **given)


def long(value: int) -> Row:
    """A 64-bit integer in canonical extended JSON."""
    return {"$numberLong": str(value)}


def decimal(value: str) -> Row:
    """A Decimal128 in canonical extended JSON."""
    return {"$numberDecimal": value}


def moment(value: datetime) -> Row:
    """A Date in canonical extended JSON."""
    return {"$date": long(int(value.timestamp() * 1000))}


def a_buyer(household: int = 1, **given: object) -> Row:
    """The buyer of a marketplace order."""
    buyer = {"buyer_id": f"B-{household}", "name": "ANN LEE", "email": f"buyer{household}@mail.example", "phone": None}
    return {**buyer, "loyalty_number": None, "address": {"street": "1 Main St", "city": "Troy"}, **given}


def a_line(line: int = 1, **given: object) -> Row:
    """An item of a marketplace order: one unit of P1 for 1.50."""
    item = {"line": {"$numberInt": str(line)}, "sku": "P1", "quantity": long(1), "unit_price": decimal("1.50")}
    return {**item, "discount": decimal("0"), "amount": decimal("1.50"), **given}


def a_document(
    number: str = "MP-1", *, items: object = None, change: Mapping[str, object] | None = None, **given: object
) -> Row:
    """A change of a marketplace order; `change` overrides columns of bronze, the rest fields of the document."""
    document = {
        "_id": number,
        "order_number": number,
        "buyer": a_buyer(),
        "items": [a_line()] if items is None else items,
        "payment": {"method": "card", "card_token": "card-9", "amount": decimal("1.50"), "currency": "USD"},
        "store_id": long(1),
        "status": "placed",
        "placed_at": moment(at(2)),
        "updated_at": moment(at(2)),
        **given,
    }
    return _stamped({"_id": json.dumps(number), "document": json.dumps(document)}, **(change or {}))


def a_record(value: Mapping[str, object] | bytes, **given: object) -> Row:
    """A Kafka record with the value as JSON; records follow each other on partition 0."""
    number = next(_running)
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    row = {"topic": "t", "partition": 0, "offset": number, "value": payload, "_position": f"00000/{number:020d}"}
    return {**row, "_committed_at": at(), "_ingested_at": at(), **given}


def a_movement(kind: str, quantity: object, days: float = 1, **given: object) -> Row:
    """A stock movement of P1 at store 1."""
    number = next(_running)
    movement = {"event_id": f"m{number}", "type": kind, "occurred_at": _rfc3339(at(days)), "source": "wms"}
    return {
        **movement,
        "sequence": number,
        "sku": "P1",
        "location": "S1",
        "quantity": quantity,
        "order_id": None,
        **given,
    }


def an_event(kind: str = "page_viewed", days: float = 1, **given: object) -> Row:
    """A behaviour event of user 1."""
    number = next(_running)
    event = {"event_id": f"e{number}", "type": kind, "occurred_at": _rfc3339(at(days)), "source": "web"}
    return {**event, "sequence": number, "session_id": "s1", "user_id": 1, "sku": None, "quantity": None, **given}


def a_label(order_id: str = "1", **given: object) -> Row:
    """A fraud label of an order."""
    label = {"event_id": f"l{next(_running)}", "order_id": order_id, "is_fraud": True, "source": "chargebacks"}
    return {**label, "occurred_at": _rfc3339(at(9)), **given}


def _rfc3339(when: datetime) -> str:
    return when.isoformat().replace("+00:00", "Z")


def a_retail_row(number: int = 1, invoice: str | None = "536365", **given: str | None) -> Row:
    """A row of a file of Online Retail: six lanterns of 3.39 on a winter's morning."""
    row = {
        "InvoiceNo": invoice,
        "StockCode": "71053",
        "Description": "WHITE METAL LANTERN",
        "Quantity": "6",
        "InvoiceDate": "2010-12-01 08:26:00",
        "UnitPrice": "3.39",
        "CustomerID": "17850.0",
        "Country": "United Kingdom",
    }
    stamps = {"_position": f"2010-12-01.csv@0123456789ab/{number:012d}", "_committed_at": at(), "_ingested_at": at()}
    return {**row, **stamps, **given}


def frame(spark: SparkSession, schema: StructType | str, rows: Iterable[Row] = ()) -> DataFrame:
    """The rows as a frame of the schema, or of the bronze table of that name; what a row does not have is null."""
    columns = bronze.SCHEMAS[schema] if isinstance(schema, str) else schema
    values = [{name: row.get(name) for name in columns.names} for row in rows]
    # As Arrow the rows lie in the JVM; as Python objects a Python worker would hand them over in every stage.
    return spark.createDataFrame(pa.Table.from_pylist(values, schema=to_arrow_schema(columns)), columns)


def write_bronze(catalog: Catalog, table: str, rows: Iterable[Row]) -> None:
    """Append rows to a bronze table, which is made when it is not there."""
    schema = to_arrow_schema(bronze.SCHEMAS[table])
    catalog.create_namespace_if_not_exists("bronze")
    values = [{name: row.get(name) for name in schema.names} for row in rows]
    catalog.create_table_if_not_exists(table, schema=schema).append(pa.Table.from_pylist(values, schema=schema))
