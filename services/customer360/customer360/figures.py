"""From a release's tables to the figures of the overview page."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from customer360.gold import GoldTables, attribute
from customer360.overview import CHANNELS, ChannelTotal, Day, Headline, Overview, Ranked, recency_matrix

# As many bars as can be read at a glance.
RANKED_MAX = 8
CENT = Decimal("0.01")
COUNT: Final = "count_distinct"


def overview(tables: GoldTables) -> Overview:
    """Everything that the overview page shows; cancelled orders are left out, returns are subtracted."""
    sold = tables.order_lines.filter(pc.field("status") != "cancelled")
    customers = tables.customers.filter(~pc.field("is_deleted"))
    return Overview(
        headline=_headline(sold, customers),
        days=_days(sold),
        channels=_channels(sold),
        customers_by_channels=_customers_by_channels(sold),
        departments=_ranked(sold, "product_key", tables.products, "department"),
        stores=_ranked(sold, "store_key", tables.stores, "name"),
        recency=_recency(customers),
    )


def _headline(sold: pa.Table, customers: pa.Table) -> Headline:
    returns = sold.filter(pc.field("status") == "returned")
    bought = sold.filter(pc.field("status") != "returned")
    order_counts = customers["order_count"].to_pylist()
    sources = customers["source_users"].to_pylist()
    return Headline(
        customers=customers.num_rows,
        buying_customers=sum(count > 0 for count in order_counts if count is not None),
        linked_customers=sum(len({user["source"] for user in users or ()}) > 1 for users in sources),
        orders=pc.count_distinct(bought["order_id"]).as_py(),
        units=pc.sum(sold["quantity"]).as_py() or 0,
        revenue=_total(sold),
        returned=-_total(returns),
    )


def _channels(sold: pa.Table) -> tuple[ChannelTotal, ...]:
    revenue = {row["channel"]: row["total_amount_sum"] for row in _by_channel(sold, "total_amount", "sum")}
    bought = sold.filter(pc.field("status") != "returned")
    orders = {row["channel"]: row["order_id_count_distinct"] for row in _by_channel(bought, "order_id", COUNT)}
    buyers = {row["channel"]: row["customer_id_count_distinct"] for row in _by_channel(bought, "customer_id", COUNT)}
    return tuple(
        ChannelTotal(name, revenue.get(name, Decimal(0)), orders.get(name, 0), buyers.get(name, 0)) for name in CHANNELS
    )


def _by_channel(lines: pa.Table, column: str, aggregation: Any) -> list[dict[str, Any]]:
    known = lines.filter(pc.is_valid(pc.field(column)))
    return known.group_by(["channel"]).aggregate([(column, aggregation)]).to_pylist()


def _customers_by_channels(sold: pa.Table) -> tuple[int, ...]:
    bought = sold.filter((pc.field("status") != "returned") & pc.is_valid(pc.field("customer_id")))
    used = bought.group_by(["customer_id"]).aggregate([("channel", COUNT)])
    counts = Counter(used["channel_count_distinct"].to_pylist())
    return tuple(counts[number] for number in range(1, len(CHANNELS) + 1))


def _days(sold: pa.Table) -> tuple[Day, ...]:
    dated = sold.append_column("day", pc.cast(sold["ordered_at"], pa.date32())).filter(pc.is_valid(pc.field("day")))
    revenue: dict[date, dict[str, Decimal]] = defaultdict(dict)
    for row in dated.group_by(["day", "channel"]).aggregate([("total_amount", "sum")]).to_pylist():
        revenue[row["day"]][row["channel"]] = row["total_amount_sum"]
    bought = dated.filter(pc.field("status") != "returned")
    counts = bought.group_by(["day"]).aggregate([("order_id", "count_distinct")]).to_pylist()
    orders = {row["day"]: row["order_id_count_distinct"] for row in counts}
    return tuple(_day(day, revenue[day], orders.get(day, 0)) for day in sorted(revenue))


def _day(day: date, revenue: dict[str, Decimal], orders: int) -> Day:
    till, web, marketplace = (revenue.get(channel, Decimal(0)) for channel in CHANNELS)
    return Day(day, till, web, marketplace, orders)


def _ranked(sold: pa.Table, key: str, dimension: pa.Table, name: str) -> tuple[Ranked, ...]:
    named = sold.select(["total_amount"]).rename_columns(["amount"])
    named = named.append_column("name", attribute(sold, key, dimension, name)).filter(pc.is_valid(pc.field("name")))
    sums = named.group_by(["name"]).aggregate([("amount", "sum")])
    ranked = sums.sort_by([("amount_sum", "descending"), ("name", "ascending")]).slice(0, RANKED_MAX)
    return tuple(Ranked(row["name"], row["amount_sum"]) for row in ranked.to_pylist())


def _recency(customers: pa.Table) -> tuple[tuple[int, ...], ...]:
    pairs = zip(customers["days_since_last_order"].to_pylist(), customers["order_count"].to_pylist(), strict=True)
    return recency_matrix([(days, orders) for days, orders in pairs if days is not None and orders])


def _total(lines: pa.Table) -> Decimal:
    return (pc.sum(lines["total_amount"]).as_py() or Decimal(0)).quantize(CENT)
