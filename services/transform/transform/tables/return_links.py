"""Which sale each return gives back, where that can be known.

Grain: return line (order_id, line_number): a line of `orders_unified` that is returned and has no positive units.
Reads: silver.orders_unified.
Rules: `returns.py`, over the lines of one source user and sku: a named order first, else the latest sale before the
return with enough units left. `evidence` is `named`, `matched` or `unlinked`. A return that names its order keeps the
name in `sold_order_id` also where no line of it fits (another customer, another sku); then `sold_line_number` is empty.
Who is not known is nobody in particular: without a source user only a named return is linked. Sales are lines with
positive units that are not returned, cancelled or adjusted.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from transform.declared import SAME, made_from
from transform.propagation import restricted
from transform.returns import Line, Link, link
from transform.spec import INT, LONG, STRING, TIMESTAMP, Difference, Read, Table, optional, required, scoped
from transform.tables.orders_unified import NO_SALE

SCHEMA = StructType(
    [
        required("order_id", STRING),
        required("line_number", INT),
        required("source", STRING),
        optional("source_user_id", STRING),
        optional("sku", STRING),
        required("units", LONG),
        required("returned_at", TIMESTAMP),
        required("evidence", STRING),
        optional("sold_order_id", STRING),
        optional("sold_line_number", INT),
        optional("sold_at", TIMESTAMP),
    ]
)
PERSONAL: tuple[str, ...] = ()
SCOPE = ("source", "source_user_id", "sku")


def return_links(orders: DataFrame) -> DataFrame:
    """The returns with their sales; a customer's purchases of a sku without a return are never looked at."""
    lines = orders.select(
        *SCOPE, _line().alias("_line"), _is_return().alias("_is_return"), _is_sale().alias("_is_sale")
    )
    returned = lines.where("_is_return").select(*(F.col(name).alias(f"_of_{name}") for name in SCOPE)).distinct()
    same = [F.col(name).eqNullSafe(F.col(f"_of_{name}")) for name in SCOPE]
    each = lines.where("_is_return or _is_sale").join(returned, on=same, how="left_semi").groupBy(*SCOPE)
    gathered = each.agg(
        F.collect_list(F.when(F.col("_is_sale"), F.col("_line"))).alias("sales"),
        F.collect_list(F.when(F.col("_is_return"), F.col("_line"))).alias("returns"),
    )
    return gathered.mapInArrow(_linked, SCHEMA).select(*SCHEMA.names)


def _line() -> Column:
    return F.struct(
        F.col("ordered_at").alias("at"),
        "order_id",
        "line_number",
        F.abs("quantity").alias("units"),
        F.col("returns_order_id").alias("names"),
    )


def _is_return() -> Column:
    return (F.col("status") == "returned") & (F.col("quantity") <= 0)


def _is_sale() -> Column:
    return ~F.col("status").isin(*NO_SALE) & (F.col("quantity") > 0)


def scopes_with_returns(changed: Difference, read: Read) -> DataFrame:
    """The scopes of the changed lines that are returns, or that had a return: a purchase alone links nothing."""
    returns, known = changed.rows.where(_is_return()), restricted(read(TABLE.name), SCOPE, changed.rows, SCOPE)
    return returns.select(*SCOPE).unionByName(known.select(*SCOPE))


@made_from(SAME)
def _linked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [row for scope in batch.to_pylist() for row in _rows(scope)]
        yield pa.RecordBatch.from_pylist(rows, schema=to_arrow_schema(SCHEMA))


def _rows(scope: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    sales, returns = ([Line(**line) for line in scope[kind]] for kind in ("sales", "returns"))
    for found in link(sales, returns, is_known=scope["source_user_id"] is not None):
        yield {**{name: scope[name] for name in SCOPE}, **_row(found)}


def _row(found: Link) -> dict[str, Any]:
    return {
        "order_id": found.given_back.order_id,
        "line_number": found.given_back.line_number,
        "units": found.given_back.units,
        "returned_at": found.given_back.at,
        "evidence": found.evidence,
        "sold_order_id": found.order_id,
        "sold_line_number": found.sale.line_number if found.sale else None,
        "sold_at": found.sale.at if found.sale else None,
    }


TABLE = Table(
    name="silver.return_links",
    grain=("order_id", "line_number"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=SCOPE,
    reads=(scoped("silver.orders_unified", *SCOPE, reach=scopes_with_returns),),
    build=return_links,
)
