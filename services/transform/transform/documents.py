"""Marketplace documents in canonical extended JSON, taken apart into text columns; typing them is the tables' work."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Fields are read as text, so that one of an unexpected type spoils itself and not the document.
_ORDER = (
    "order_number string, buyer string, items string, payment string, store_id string, status string, "
    "placed_at string, updated_at string"
)
_BUYER = (
    "buyer_id string, name string, email string, phone string, loyalty_number string, "
    "address struct<street:string, city:string, postal_code:string, state:string>"
)
_PAYMENT = "card_token string, currency string"
_ITEM = "line string, sku string, quantity string, unit_price string, discount string, amount string"


def opened(documents: DataFrame) -> DataFrame:
    """Each document with `_order`, `_buyer`, `_payment` as structs and `_items` as texts, null if it is no array."""
    return (
        documents.withColumn("_order", F.from_json("document", _ORDER))
        .withColumn("_buyer", F.from_json("_order.buyer", _BUYER))
        .withColumn("_payment", F.from_json("_order.payment", _PAYMENT))
        .withColumn("_items", F.from_json("_order.items", "array<string>"))
    )


def opened_item(raw: Column) -> Column:
    """One item as a struct of text."""
    return F.from_json(raw, _ITEM)


def document_key() -> Column:
    """The id of a document as text, without the quotes of JSON; an id that is no text is its JSON."""
    return F.coalesce(F.from_json(F.concat(F.lit('{"id":'), F.col("_id"), F.lit("}")), "id string")["id"], "_id")
