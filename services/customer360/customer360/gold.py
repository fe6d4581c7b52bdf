"""The gold tables as this service reads them: which columns, and always of one pinned release."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import Release, scan_release

COLUMNS: dict[str, tuple[str, ...]] = {
    "gold.customer_360": (
        "customer_id",
        "first_name",
        "last_name",
        "email",
        "phone",
        "street",
        "city",
        "postal_code",
        "state",
        "birth_date",
        "loyalty_number",
        "age_band",
        "income_band",
        "household_size",
        "marketing_consent",
        "source_users",
        "emails",
        "phones",
        "first_order_at",
        "last_order_at",
        "order_count",
        "line_count",
        "units",
        "total_amount",
        "returned_amount",
        "till_amount",
        "web_amount",
        "marketplace_amount",
        "favourite_store_id",
        "favourite_department",
        "is_deleted",
    ),
    "gold.fact_order": (
        "order_id",
        "channel",
        "status",
        "customer_id",
        "product_key",
        "store_key",
        "quantity",
        "total_amount",
        "ordered_at",
    ),
    "gold.dim_users": (
        "user_key",
        "customer_id",
        "source",
        "source_user_id",
        "loyalty_number",
        "first_name",
        "last_name",
        "email",
        "phone",
        "street",
        "city",
        "postal_code",
        "state",
        "birth_date",
        "age_band",
        "income_band",
        "household_size",
        "marketing_consent",
        "start_date",
        "end_date",
        "is_deleted",
    ),
    "gold.dim_products": ("product_key", "department", "category"),
    "gold.dim_stores": ("store_key", "store_id", "name", "city"),
}


@dataclass(frozen=True, slots=True)
class GoldTables:
    """The tables of one release, in memory."""

    customers: pa.Table
    order_lines: pa.Table
    user_versions: pa.Table
    products: pa.Table
    stores: pa.Table


def read(catalog: Catalog, release: Release) -> GoldTables:
    """Every table exactly as the release has it, whatever has been written since."""
    lines = _scan(catalog, release, "gold.fact_order")
    return GoldTables(
        customers=_with_recency(_scan(catalog, release, "gold.customer_360"), lines),
        order_lines=lines,
        user_versions=_scan(catalog, release, "gold.dim_users"),
        products=_scan(catalog, release, "gold.dim_products"),
        stores=_scan(catalog, release, "gold.dim_stores"),
    )


def _with_recency(customers: pa.Table, lines: pa.Table) -> pa.Table:
    """The customers with `days_since_last_order`, counted to the newest purchase of the release."""
    bought = lines.filter(~pc.field("status").isin(["returned", "cancelled", "adjusted"]))
    newest = pc.max(bought["ordered_at"].cast(pa.date32()))
    days: Any = pc.days_between(customers["last_order_at"].cast(pa.date32()), newest).cast(pa.int32())
    return customers.append_column("days_since_last_order", days)


def attribute(lines: pa.Table, key: str, dimension: pa.Table, name: str) -> Any:
    """The dimension's attribute of every line, as an Arrow array; null where the dimension lacks the key."""
    keys: Any = lines[key]
    index: Any = pc.index_in(keys, value_set=dimension[key].combine_chunks())
    return dimension[name].combine_chunks().take(index.combine_chunks())


def _scan(catalog: Catalog, release: Release, table: str) -> pa.Table:
    return scan_release(catalog, release, table, COLUMNS[table])
