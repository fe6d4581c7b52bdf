"""The rows of the sources as they were last changed: what is kept of a change log, by primary key.

Grain: one change of one row, nearly always its last (the key, `_position`); `changes.py` says which more are kept.
Reads: the bronze table of the same name.
Rules: columns as bronze has them, deletes as rows with `_op` d. What a truncate made void is gone. Products and stores
are kept through truncates and deletes, since old facts point at them. A change without its key is no row of anything;
`keyless_changes.py` has it.
"""

from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from transform import bronze
from transform.changes import CHAIN, after, chains
from transform.documents import document_key
from transform.spec import INT, STRING, Fold, required

# Orders are numbered as they come, so that a range of numbers is a time; about 50 MB of lines each.
ORDERS_PER_PARTITION = 100_000
# Which row of its source a change is of.
KEYS: Mapping[str, tuple[str, ...]] = {
    bronze.ORDERS: ("order_id",),
    bronze.ORDER_ITEMS: ("order_id", "line_number"),
    bronze.PRODUCTS: ("sku",),
    bronze.STORES: ("store_id",),
    bronze.MARKETPLACE_ORDERS: ("_id",),
}


def _kept(source: str, key: Sequence[str]) -> StructType:
    fields = [f if f.name not in {*key, "_position"} else required(f.name, f.dataType) for f in bronze.SCHEMAS[source]]
    return StructType([*fields, required(CHAIN, INT)])


def _keyed(key: Sequence[str], columns: Sequence[StructField]) -> Callable[[DataFrame], DataFrame]:
    names = [field.name for field in columns if field.name != CHAIN]

    def arrive(changes: DataFrame) -> DataFrame:
        has_key = [F.col(name).isNotNull() for name in key]
        kept = changes.where((F.col("_op") != "t") & F.col("_position").isNotNull())
        for condition in has_key:
            kept = kept.where(condition)
        return kept.select(*names)

    return arrive


def _latest(name: str, source: str, *, personal: tuple[str, ...] = (), partition: str = "", void: bool) -> Fold:
    key = KEYS[source]
    schema = _kept(source, key)
    return Fold(
        name=f"silver.{name}",
        grain=(*key, "_position"),
        schema=schema,
        personal=personal,
        scope=key,
        reads=(source,),
        arrive=_keyed(key, schema.fields),
        fold=lambda rows: chains(rows, *key).select(*schema.names),
        partitioned_by=(partition,) if partition else (),
        sorted_by=key,
        emptied_with=source if void else None,
        void=after if void else None,
    )


def _documents(changes: DataFrame) -> DataFrame:
    is_kept = (F.col("_op") != "t") & F.col("_id").isNotNull() & F.col("_position").isNotNull()
    return changes.where(is_kept).select(
        document_key().alias("order_key"), *(name for name in _DOCUMENTS.names if name not in {"order_key", CHAIN})
    )


_DOCUMENTS = StructType(
    [required("order_key", STRING), *_kept(bronze.MARKETPLACE_ORDERS, KEYS[bronze.MARKETPLACE_ORDERS]).fields]
)

_BY_NUMBER = f"truncate({ORDERS_PER_PARTITION}, order_id)"
ORDERS = _latest("latest_orders", bronze.ORDERS, personal=("card_token",), partition=_BY_NUMBER, void=True)
ORDER_ITEMS = _latest("latest_order_items", bronze.ORDER_ITEMS, partition=_BY_NUMBER, void=True)
PRODUCTS = _latest("latest_products", bronze.PRODUCTS, void=False)
STORES = _latest("latest_stores", bronze.STORES, void=False)
MARKETPLACE_ORDERS = Fold(
    name="silver.latest_marketplace_orders",
    grain=("order_key", "_id", "_position"),
    schema=_DOCUMENTS,
    personal=("document",),
    scope=("order_key", "_id"),
    reads=(bronze.MARKETPLACE_ORDERS,),
    arrive=_documents,
    fold=lambda rows: chains(rows, "order_key", "_id").select(*_DOCUMENTS.names),
    sorted_by=("order_key",),
    emptied_with=bronze.MARKETPLACE_ORDERS,
    void=after,
)
