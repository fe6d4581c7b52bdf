"""Writes the marketplace: one collection of nested documents, inserted, then updated as their status changes."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bson.decimal128 import Decimal128
from bson.int64 import Int64
from pymongo import InsertOne, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import CollectionInvalid

from shopsphere_local.journey.marketplace import BrokenDocumentInserted, Operation, OrderPlaced, StatusChanged
from shopsphere_local.journey.orders import Order, OrderLine
from shopsphere_local.journey.spelling import Buyer

Document = dict[str, Any]
Write = InsertOne[Document] | UpdateOne

_CENTS: Final = Decimal("0.01")


def create_collection(marketplace: Collection[Document]) -> None:
    """Create the empty collection, so that a change stream can be opened on it; an existing one is left as it is."""
    try:
        marketplace.database.create_collection(marketplace.name)
    except CollectionInvalid:
        return


def write_day(marketplace: Collection[Document], operations: Iterable[Operation]) -> None:
    """Write a day's inserts and updates in their order."""
    writes = [_write(operation) for operation in operations]
    if writes:
        marketplace.bulk_write(writes, ordered=True)


def _write(operation: Operation) -> Write:
    match operation:
        case OrderPlaced(order, buyer, at):
            return InsertOne(order_document(order, buyer, at))
        case BrokenDocumentInserted(number, buyer, at):
            return InsertOne(_envelope(number, buyer, at) | {"items": "see attached list", "payment": None})
        case StatusChanged(order, status, at):
            return UpdateOne({"_id": order.key}, {"$set": {"status": status, "updated_at": at}})


def order_document(order: Order, buyer: Buyer, at: datetime) -> Document:
    """The document of a placed order; money is Decimal128, ids and quantities are 64-bit."""
    payment = {
        "method": "card",
        "card_token": order.card_token,
        "amount": Decimal128(order.amount * _CENTS),
        "currency": "USD",
    }
    return _envelope(order.key, buyer, at) | {
        "items": [_item(line) for line in order.lines],
        "payment": payment,
        "store_id": Int64(order.store_id),
    }


def _envelope(number: str, buyer: Buyer, at: datetime) -> Document:
    return {
        "_id": number,
        "order_number": number,
        "buyer": {
            "buyer_id": buyer.buyer_id,
            "name": buyer.name,
            "email": buyer.email,
            "phone": buyer.phone,
            "loyalty_number": buyer.loyalty_number,
            "address": {
                "street": buyer.street,
                "city": buyer.city,
                "postal_code": buyer.postal_code,
                "state": buyer.state,
            },
        },
        "status": "placed",
        "placed_at": at,
        "updated_at": at,
    }


def _item(line: OrderLine) -> Document:
    return {
        "line": line.number,
        "sku": line.sku,
        "quantity": Int64(line.quantity),
        "unit_price": Decimal128(line.unit_price),
        "discount": Decimal128(line.discount * _CENTS),
        "amount": Decimal128(line.amount * _CENTS),
    }
