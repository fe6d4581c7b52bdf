"""The columns of bronze that transform reads, exactly as ingest writes them."""

from datetime import timedelta

from pyspark.sql.types import BinaryType, DataType, DecimalType, StructType

from transform.spec import BOOLEAN, DATE, INT, LONG, STRING, TIMESTAMP, optional

_BINARY = BinaryType()
_STAMPS = {"_position": STRING, "_committed_at": TIMESTAMP, "_ingested_at": TIMESTAMP}
_CENTS = DecimalType(12, 2)
_DEGREES = DecimalType(9, 6)


def _schema(**columns: DataType) -> StructType:
    return StructType([optional(name, kind) for name, kind in (columns | _STAMPS).items()])


def _relational(**columns: DataType) -> StructType:
    return _schema(**columns, _op=STRING, _unchanged=STRING)


_USERS = _relational(
    user_id=LONG,
    loyalty_number=STRING,
    first_name=STRING,
    last_name=STRING,
    email=STRING,
    phone=STRING,
    street=STRING,
    city=STRING,
    postal_code=STRING,
    state=STRING,
    birth_date=DATE,
    age_band=STRING,
    income_band=STRING,
    home_ownership=STRING,
    marital_status=STRING,
    household_size=STRING,
    household_composition=STRING,
    kids_count=STRING,
    marketing_consent=BOOLEAN,
    created_at=TIMESTAMP,
    updated_at=TIMESTAMP,
    closed_at=TIMESTAMP,
)
_PRODUCTS = _relational(
    product_id=LONG,
    sku=STRING,
    manufacturer_id=LONG,
    department=STRING,
    brand=STRING,
    category=STRING,
    product_type=STRING,
    package_size=STRING,
    updated_at=TIMESTAMP,
)
_STORES = _relational(
    store_id=LONG,
    name=STRING,
    street=STRING,
    city=STRING,
    postal_code=STRING,
    state=STRING,
    latitude=_DEGREES,
    longitude=_DEGREES,
    opened_on=DATE,
    updated_at=TIMESTAMP,
)
_ORDERS = _relational(
    order_id=LONG,
    user_id=LONG,
    store_id=LONG,
    channel=STRING,
    status=STRING,
    currency=STRING,
    card_token=STRING,
    total_amount=_CENTS,
    returns_order_id=LONG,
    ordered_at=TIMESTAMP,
    updated_at=TIMESTAMP,
)
_ORDER_ITEMS = _relational(
    order_id=LONG,
    line_number=INT,
    sku=STRING,
    quantity=LONG,
    unit_price=DecimalType(18, 6),
    discount_amount=_CENTS,
    line_amount=_CENTS,
)
_DOCUMENTS = _schema(_id=STRING, document=STRING, _op=STRING, _unchanged=STRING)
# Of a topic ingest keeps every record; one that is in its quarantine as well has the reason in this column.
REJECTED = "_rejected"
_RECORDS = _schema(
    topic=STRING, partition=INT, offset=LONG, key=_BINARY, value=_BINARY, headers=STRING, **{REJECTED: STRING}
)
# Files have no key, so no change of a row: each row is one that was delivered.
_ONLINE_RETAIL = _schema(
    InvoiceNo=STRING,
    StockCode=STRING,
    Description=STRING,
    Quantity=STRING,
    InvoiceDate=STRING,
    UnitPrice=STRING,
    CustomerID=STRING,
    Country=STRING,
)

USERS = "bronze.bronze_postgres__users"
PRODUCTS = "bronze.bronze_postgres__products"
STORES = "bronze.bronze_postgres__stores"
ORDERS = "bronze.bronze_postgres__orders"
ORDER_ITEMS = "bronze.bronze_postgres__order_items"
MARKETPLACE_ORDERS = "bronze.bronze_mongo__marketplace_orders"
EVENTS = "bronze.bronze_kafka__events"
STOCK_MOVEMENTS = "bronze.bronze_kafka__stock_movements"
FRAUD_LABELS = "bronze.bronze_kafka__fraud_labels"
# Optional: where nobody loads such files there is no table, and that is an empty one.
ONLINE_RETAIL = "bronze.bronze_files__online_retail"

SCHEMAS: dict[str, StructType] = {
    USERS: _USERS,
    PRODUCTS: _PRODUCTS,
    STORES: _STORES,
    ORDERS: _ORDERS,
    ORDER_ITEMS: _ORDER_ITEMS,
    MARKETPLACE_ORDERS: _DOCUMENTS,
    EVENTS: _RECORDS,
    STOCK_MOVEMENTS: _RECORDS,
    FRAUD_LABELS: _RECORDS,
    ONLINE_RETAIL: _ONLINE_RETAIL,
}
# The change logs: tables whose rows are changes of rows, and can be emptied by a truncate.
LOGS = (USERS, PRODUCTS, STORES, ORDERS, ORDER_ITEMS, MARKETPLACE_ORDERS)
# What is sold, moved and looked at changes by the hour in any shop that is open; people and fraud cases in a week, what
# is on the shelves in a month. A source that says nothing for longer is silent, or cut off. Files come when they come.
FRESH_WITHIN: dict[str, timedelta] = {
    **dict.fromkeys((ORDERS, ORDER_ITEMS, MARKETPLACE_ORDERS, EVENTS, STOCK_MOVEMENTS), timedelta(days=1)),
    **dict.fromkeys((USERS, FRAUD_LABELS), timedelta(days=7)),
    **dict.fromkeys((PRODUCTS, STORES), timedelta(days=30)),
}
