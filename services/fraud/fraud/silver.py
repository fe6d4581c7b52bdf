"""The lake's view of what fraud needs: web orders and labels of one release."""

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import Catalog
from shopsphere_kit import lake
from shopsphere_kit.lake import Release

from fraud.orders import Label, Order
from fraud.units import epoch_ms, minor_units

ORDERS, LABELS = f"{lake.SILVER}.orders_unified", f"{lake.SILVER}.fraud_labels"
# Only what checkout scores; a return is an order of its own and nothing that was bought.
CHANNEL, NOT_BOUGHT = "web", "returned"
COLUMNS = (
    "order_id",
    "channel",
    "status",
    "source_user_id",
    "store_id",
    "card_token",
    "line_number",
    "quantity",
    "total_amount",
    "ordered_at",
)


def web_orders(lines: pa.Table) -> list[Order]:
    """Sum the lines of bought web orders to orders, sorted by position."""
    bought = lines.filter((pc.field("channel") == CHANNEL) & (pc.field("status") != NOT_BOUGHT))
    keys = ["order_id", "source_user_id", "store_id", "card_token", "ordered_at"]
    grouped = bought.group_by(keys).aggregate([("total_amount", "sum"), ("quantity", "sum"), ("line_number", "count")])
    orders = [
        Order(
            order_id=row["order_id"],
            user_id=row["source_user_id"],
            store_id=row["store_id"],
            card_token=row["card_token"],
            amount_minor=minor_units(row["total_amount_sum"]),
            units=row["quantity_sum"],
            line_count=row["line_number_count"],
            ordered_at_ms=epoch_ms(row["ordered_at"]),
        )
        for row in grouped.to_pylist()
    ]
    return sorted(orders, key=lambda order: order.position)


def read_orders(catalog: Catalog, pinned: Release) -> list[Order]:
    """Read the web orders of a release, sorted by position."""
    return web_orders(lake.scan_release(catalog, pinned, ORDERS, COLUMNS))


def read_labels(catalog: Catalog, pinned: Release) -> list[Label]:
    """Read the labels of a release, sorted by the time they became known."""
    rows = lake.scan_release(catalog, pinned, LABELS, ("order_id", "is_fraud", "known_at")).to_pylist()
    labels = [Label(row["order_id"], row["is_fraud"], epoch_ms(row["known_at"])) for row in rows]
    return sorted(labels, key=lambda label: (label.known_at_ms, label.order_id, label.is_fraud))
