"""Online Retail's facts once more in DuckDB, straight from the CSV files; shares no code with transform."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import Release

_TABLES = {"facts": "gold.fact_order", "orders": "silver.orders_unified", "links": "silver.return_links"}
_SOLD = """
create table sold as
with rows as (
  select distinct
    'OR-' || InvoiceNo as order_id, upper(trim(StockCode)) as sku, Quantity::bigint as quantity,
    UnitPrice::decimal(18, 6) as unit_price, nullif(regexp_replace(CustomerID, '[.]0$', ''), '') as source_user_id,
    timezone('Europe/London', InvoiceDate::timestamp) as ordered_at, Country
  from read_csv(?, all_varchar = true, header = true, nullstr = '∅')
)
select
  * exclude (Country), 'online_retail' as channel, 'GBP' as currency,
  case
    when order_id like 'OR-C%' then 'returned'
    when order_id like 'OR-A%' or quantity < 0 then 'adjusted'
    else 'completed'
  end as status,
  round(quantity * unit_price, 2)::decimal(18, 2) as total_amount,
  strftime(timezone('UTC', ordered_at), '%Y%m%d')::integer as date_key
from rows
"""


def recompute(catalog: Catalog, release: Release, files: Iterable[Path]) -> duckdb.DuckDBPyConnection:
    """A database with `sold`, made from the files, beside `facts`, `orders` and `links` of the release."""
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    database.execute(_SOLD, [[str(path) for path in files]])
    for name, table in _TABLES.items():
        database.register(name, catalog.load_table(table).scan(snapshot_id=release.snapshots[table]).to_arrow())
    return database


def differing(database: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    """Lines that stand on one side alone, in the columns that the table shares with the files."""
    known = [str(row[0]) for row in database.execute("describe sold").fetchall()]
    have = {str(row[0]) for row in database.execute(f"describe {table}").fetchall()}
    columns = ", ".join(name for name in known if name in have)
    ours, theirs = (f"select {columns} from {one}" for one in (table, "sold"))  # noqa: S608 - names of this module
    return database.execute(f"({ours} except all {theirs}) union all ({theirs} except all {ours})").fetchall()
