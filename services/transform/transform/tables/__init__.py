"""The tables of silver and gold, in the order in which they are built."""

from transform.spec import Fold, Judged, Table
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
    inventory_snapshots,
    latest,
    online_retail_rows,
    orders_unified,
    quarantine,
    return_links,
    stock_movements_clean,
    truncates,
    users_beliefs,
    users_scd,
)

FOLDS: tuple[Fold, ...] = (
    truncates.FOLD,
    users_scd.FOLD,
    latest.ORDERS,
    latest.ORDER_ITEMS,
    latest.MARKETPLACE_ORDERS,
    latest.PRODUCTS,
    latest.STORES,
    online_retail_rows.FOLD,
    stock_movements_clean.FOLD,
    events_clean.FOLD,
    fraud_labels.FOLD,
)
JUDGED: tuple[Judged, ...] = quarantine.JUDGED
TABLES: tuple[Table, ...] = (
    customer_identities.TABLE,
    users_scd.TABLE,
    users_beliefs.TABLE,
    orders_unified.TABLE,
    return_links.TABLE,
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
