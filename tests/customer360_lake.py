"""Small gold tables in a temporary lake."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from customer360_builders import DELETED, MARIA, MARIA_DETAILS, NOAH, at
from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import personal_columns_properties

Columns = list[tuple[str, Any]]
MONEY = pa.decimal128(18, 2)
MOMENT = pa.timestamp("us", tz="UTC")
_PERSON: Columns = [(name, pa.string()) for name in ("first_name", "last_name", "email", "phone", "street", "city")]
_PERSON += [("postal_code", pa.string()), ("state", pa.string()), ("birth_date", pa.date32())]
_PERSON += [(name, pa.string()) for name in ("loyalty_number", "age_band", "income_band", "household_size")]
_PERSON += [("marketing_consent", pa.bool_())]
_AMOUNTS = ("total_amount", "returned_amount", "till_amount", "web_amount", "marketplace_amount")

COLUMNS: dict[str, Columns] = {
    "gold.customer_360": [
        ("customer_id", pa.string()),
        *_PERSON,
        ("source_users", pa.list_(pa.struct([("source", pa.string()), ("source_user_id", pa.string())]))),
        ("emails", pa.list_(pa.string())),
        ("phones", pa.list_(pa.string())),
        ("first_order_at", MOMENT),
        ("last_order_at", MOMENT),
        *((name, pa.int64()) for name in ("order_count", "line_count", "units")),
        *((name, MONEY) for name in _AMOUNTS),
        ("favourite_store_id", pa.int64()),
        ("favourite_department", pa.string()),
        ("is_deleted", pa.bool_()),
    ],
    "gold.fact_order": [
        ("order_id", pa.string()),
        ("line_number", pa.int32()),
        ("channel", pa.string()),
        ("status", pa.string()),
        ("user_key", pa.int64()),
        ("product_key", pa.int64()),
        ("store_key", pa.int64()),
        ("date_key", pa.int32()),
        ("quantity", pa.int64()),
        ("unit_price", pa.decimal128(18, 6)),
        ("discount_amount", MONEY),
        ("total_amount", MONEY),
        ("currency", pa.string()),
        ("ordered_at", MOMENT),
        ("customer_id", pa.string()),
    ],
    "gold.dim_users": [
        ("user_key", pa.int64()),
        ("customer_id", pa.string()),
        ("source", pa.string()),
        ("source_user_id", pa.string()),
        *_PERSON,
        ("start_date", MOMENT),
        ("end_date", MOMENT),
        ("is_current", pa.bool_()),
        ("is_deleted", pa.bool_()),
    ],
    "gold.dim_products": [
        ("product_key", pa.int64()),
        ("sku", pa.string()),
        ("department", pa.string()),
        ("category", pa.string()),
    ],
    "gold.dim_stores": [
        ("store_key", pa.int64()),
        ("store_id", pa.int64()),
        ("name", pa.string()),
        ("city", pa.string()),
    ],
}
SCHEMAS = {name: pa.schema(columns) for name, columns in COLUMNS.items()}
RELEASE_COLUMNS: Columns = [
    ("release_id", pa.string()),
    ("created_at", MOMENT),
    ("tables", pa.map_(pa.string(), pa.int64())),
    ("consumed", pa.map_(pa.string(), pa.int64())),
    ("state", pa.string()),
]
RELEASES = pa.schema(RELEASE_COLUMNS)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def write_gold(catalog: Catalog, rows: Rows) -> dict[str, int]:
    """Replace the gold tables by the rows (columns left out are null); table → snapshot id."""
    catalog.create_namespace_if_not_exists("gold")
    return {name: write_table(catalog, name, rows.get(name, ())) for name in SCHEMAS}


def write_table(catalog: Catalog, name: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Replace one gold table; its new snapshot id."""
    schema = SCHEMAS[name]
    table = catalog.create_table_if_not_exists(name, schema, properties=personal_columns_properties(["email"]))
    full = [{column: row.get(column) for column in schema.names} for row in rows]
    table.overwrite(pa.Table.from_pylist(full, schema))
    snapshot = catalog.load_table(name).current_snapshot()
    assert snapshot is not None
    return snapshot.snapshot_id


def publish(catalog: Catalog, release_id: str, created_at: datetime, snapshots: Mapping[str, int]) -> None:
    """Append the release to gold.releases, as the transform's last step does."""
    row = {"release_id": release_id, "created_at": created_at, "tables": list(snapshots.items()), "consumed": []}
    table = catalog.create_table_if_not_exists("gold.releases", RELEASES)
    table.append(pa.Table.from_pylist([{**row, "state": "published"}], RELEASES))


def a_line(order_id: str, customer_id: str | None, amount: str, **changes: Any) -> dict[str, Any]:
    """One line of an order."""
    line = {
        "order_id": order_id,
        "line_number": 1,
        "channel": "till",
        "status": "completed",
        "user_key": 1,
        "product_key": 11,
        "store_key": 21,
        "date_key": 20170301,
        "quantity": 2,
        "unit_price": Decimal(1),
        "discount_amount": Decimal(0),
        "total_amount": Decimal(amount),
        "currency": "USD",
        "ordered_at": at(1),
        "customer_id": customer_id,
    }
    return line | changes


def small_gold() -> dict[str, list[dict[str, Any]]]:
    """Maria with three accounts' worth of history, Noah with one order, and somebody who was deleted."""
    zero = dict.fromkeys(("returned_amount", "till_amount", "web_amount", "marketplace_amount"), Decimal("0.00"))
    maria = MARIA_DETAILS | zero
    maria |= {
        "customer_id": MARIA,
        "source_users": [
            {"source": "shop", "source_user_id": "7"},
            {"source": "marketplace", "source_user_id": "B-7"},
        ],
        "emails": ["maria@example.com", "m.santos@example.org"],
        "phones": ["+12065550142"],
        "first_order_at": at(1),
        "last_order_at": at(9),
        "order_count": 3,
        "line_count": 4,
        "units": 8,
        "total_amount": Decimal("36.75"),
        "returned_amount": Decimal("4.25"),
        "till_amount": Decimal("11.75"),
        "web_amount": Decimal("20.00"),
        "marketplace_amount": Decimal("5.00"),
        "favourite_store_id": 367,
        "favourite_department": "GROCERY",
        "is_deleted": False,
    }
    noah = {"customer_id": NOAH, "first_name": "Noah", "email": "noah@example.com", **zero}
    noah |= {"source_users": [{"source": "shop", "source_user_id": "8"}], "emails": ["noah@example.com"], "phones": []}
    noah |= {"order_count": 1, "line_count": 1, "units": 2, "total_amount": Decimal("10.00"), "is_deleted": False}
    noah |= {"first_order_at": at(10), "last_order_at": at(10)}
    gone = {"customer_id": DELETED, "first_name": "Ghost", "email": "ghost@example.com", **zero}
    gone |= {"source_users": [], "emails": ["ghost@example.com"], "phones": [], "order_count": 0, "line_count": 0}
    gone |= {"units": 0, "total_amount": Decimal("0.00"), "is_deleted": True}
    return {
        "gold.customer_360": [maria, noah, gone],
        "gold.fact_order": [
            a_line("1001", MARIA, "10.00"),
            a_line("1001", MARIA, "6.00", line_number=2, product_key=12),
            a_line("900000000001001", MARIA, "-4.25", status="returned", quantity=-1, ordered_at=at(3)),
            a_line("1002", MARIA, "20.00", channel="web", ordered_at=at(8)),
            a_line("MP-1003", MARIA, "5.00", channel="marketplace", status="delivered", ordered_at=at(9)),
            a_line("1004", NOAH, "10.00", ordered_at=at(10)),
            a_line("1005", None, "7.00", ordered_at=at(10), user_key=0),
            a_line("MP-1006", MARIA, "99.00", channel="marketplace", status="cancelled", ordered_at=at(2)),
        ],
        "gold.dim_users": [
            {"user_key": 0, "source": "unknown", "source_user_id": "unknown", "is_current": False, "is_deleted": False},
            *_maria_versions(),
        ],
        "gold.dim_products": [
            {"product_key": 0, "sku": "unknown"},
            {"product_key": 11, "sku": "P11", "department": "GROCERY", "category": "SOFT DRINKS"},
            {"product_key": 12, "sku": "P12", "department": "PRODUCE", "category": "APPLES"},
        ],
        "gold.dim_stores": [
            {"store_key": 0, "name": "unknown"},
            {"store_key": 21, "store_id": 367, "name": "Store 367", "city": "Tacoma"},
        ],
    }


def _maria_versions() -> list[dict[str, Any]]:
    account = MARIA_DETAILS | {"customer_id": MARIA, "source": "shop", "source_user_id": "7", "is_deleted": False}
    first = account | {"user_key": 1, "start_date": at(1, 8), "end_date": at(5), "is_current": False}
    moved = {"user_key": 2, "street": "3 Oak Avenue", "postal_code": "98102", "start_date": at(5), "is_current": True}
    buyer = {"user_key": 3, "source": "marketplace", "source_user_id": "B-7", "start_date": at(9), "is_current": True}
    return [first, account | moved, account | buyer]
