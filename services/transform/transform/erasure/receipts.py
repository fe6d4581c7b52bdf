"""The receipts of all erasures, in the lake: one row each. What they say is in `erase.Receipt`."""

import json
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import GOLD

from transform.erasure.erase import Receipt

TABLE = f"{GOLD}.erasures"
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("receipt_id", pa.string()),
    pa.field("erased_at", pa.timestamp("us", tz="UTC")),
    pa.field("reference", pa.string()),
    pa.field("is_complete", pa.bool_()),
    pa.field("receipt", pa.string()),
]
SCHEMA = pa.schema(_FIELDS)


def keep(catalog: Catalog, receipt: Receipt) -> None:
    """Append a receipt."""
    catalog.create_namespace_if_not_exists(GOLD)
    row = {
        "receipt_id": receipt.receipt_id,
        "erased_at": receipt.erased_at,
        "reference": receipt.reference,
        "is_complete": receipt.is_complete,
        "receipt": json.dumps(receipt.as_json()),
    }
    catalog.create_table_if_not_exists(TABLE, schema=SCHEMA).append(pa.Table.from_pylist([row], schema=SCHEMA))


def kept(catalog: Catalog) -> list[dict[str, Any]]:
    """All receipts, newest first."""
    if not catalog.table_exists(TABLE):
        return []
    rows = catalog.load_table(TABLE).scan().to_arrow().sort_by([("erased_at", "descending")]).to_pylist()
    return [json.loads(row["receipt"]) for row in rows]
