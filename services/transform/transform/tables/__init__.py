"""The tables of silver and gold, in the order in which they are built."""

from transform.spec import Judged, Table
from transform.tables import (
    customer_360,
    customer_identities,
    dim_date,
    dim_products,
    dim_stores,
    dim_users,
    events_clean,
    fact_order,
    fraud_labels,
    identity_links,
    identity_records,
    inventory_snapshots,
    orders_unified,
    quarantine,
    stock_movements_clean,
    users_scd,
)

JUDGED: tuple[Judged, ...] = quarantine.JUDGED
TABLES: tuple[Table, ...] = (
    identity_records.TABLE,
    identity_links.TABLE,
    customer_identities.TABLE,
    users_scd.TABLE,
    orders_unified.TABLE,
    stock_movements_clean.TABLE,
    inventory_snapshots.TABLE,
    events_clean.TABLE,
    fraud_labels.TABLE,
    quarantine.TABLE,
    dim_users.TABLE,
    dim_products.TABLE,
    dim_stores.TABLE,
    dim_date.TABLE,
    fact_order.TABLE,
    customer_360.TABLE,
)
