"""Products, stores, orders and their lines in the shop; orders of the marketplace, good and broken."""

import json
import random
from decimal import Decimal

from bronze_builders import (
    Row,
    a_buyer,
    a_document,
    a_line,
    a_product,
    a_store,
    an_item,
    an_order,
    decimal,
    long,
    moment,
)
from transform import bronze
from transform_torture.delivery import Log, a_moment
from transform_torture.people import USERS, contacts, user_id

PRODUCTS, STORES, ORDERS, DOCUMENTS = 3, 2, 4, 3


def sku(history: int, number: int) -> str:
    """The sku of a product of a history; the last number is of none."""
    return f"H{history}P{number}"


def store_id(history: int, number: int) -> int:
    """The id of a store of a history."""
    return history * 10 + number


def order_id(history: int, number: int) -> int:
    """The id of an order of a history."""
    return history * 1000 + number


def goods(log: Log) -> None:
    """Changes of products and stores."""
    chance, h = log.chance, log.history
    for _ in range(chance.randrange(2, 9)):
        number = chance.randrange(PRODUCTS)
        given = {
            "department": chance.choice(("TOYS", "GROCERY", None)),
            "updated_at": a_moment(chance),
            "_op": _op(chance),
        }
        log.add(bronze.PRODUCTS, a_product(h * 10 + number, sku=sku(h, number), **given))
    for _ in range(chance.randrange(1, 5)):
        number = chance.randrange(STORES)
        log.add(bronze.STORES, a_store(store_id(h, number), city=chance.choice(("Rome", "Troy")), _op=_op(chance)))


def _op(chance: random.Random) -> str:
    return chance.choices(("c", "u", "d"), (2, 4, 1))[0]


def orders(log: Log) -> None:
    """Changes of orders and order lines; a line may come without its order, and an order without lines."""
    for _ in range(log.chance.randrange(4, 14)):
        log.add(bronze.ORDERS, _order(log))
    for _ in range(log.chance.randrange(4, 18)):
        log.add(bronze.ORDER_ITEMS, _item(log))


def _order(log: Log) -> Row:
    chance, h = log.chance, log.history
    users = [user_id(h, number) for number in range(USERS + 1)]
    row = an_order(
        order_id(h, chance.randrange(ORDERS)),
        user_id=chance.choice([*users, None]),
        store_id=chance.choice((store_id(h, 0), store_id(h, STORES), None)),
        channel=chance.choices(("web", "till", "fax"), (6, 4, 1))[0],
        status=chance.choices(("completed", "returned", "cancelled", " Completed", "lost"), (6, 4, 2, 2, 1))[0],
        currency=chance.choices(("USD", " usd", "EUR", "US"), (8, 1, 2, 1))[0],
        returns_order_id=chance.choice((None, None, order_id(h, chance.randrange(ORDERS)))),
        ordered_at=a_moment(chance),
        updated_at=a_moment(chance),
        _op=_op(chance),
    )
    if row["_op"] == "u" and chance.random() < 0.2:
        row |= {"card_token": None, "_unchanged": json.dumps(["card_token"])}
    return row


def _item(log: Log) -> Row:
    chance, h = log.chance, log.history
    units = chance.choice((1, 2, 3, -1, -2, 0, None))
    return an_item(
        order_id(h, chance.randrange(ORDERS + 1)),
        chance.randrange(1, 4),
        sku=sku(h, chance.randrange(PRODUCTS + 1)),
        quantity=units,
        line_amount=Decimal(chance.randrange(-500, 500)).scaleb(-2),
        discount_amount=chance.choice((Decimal("0.02"), Decimal(0), None)),
        _op=_op(chance),
    )


def documents(log: Log) -> None:
    """Changes of the marketplace's orders."""
    for _ in range(log.chance.randrange(4, 12)):
        log.add(bronze.MARKETPLACE_ORDERS, _document(log))


def _document(log: Log) -> Row:
    chance, h = log.chance, log.history
    named = [f"MP-{h}-{number}" for number in range(DOCUMENTS)]
    # The shop has an order of this number, perhaps.
    number = chance.choice([*named, *named, str(order_id(h, chance.randrange(ORDERS)))])
    said = {
        "buyer": chance.choice((_buyer(log), _buyer(log), None)),
        "items": [_line(log) for _ in range(chance.randrange(1, 4))],
        "status": chance.choice(("placed", "shipped", "delivered", "cancelled", "returned")),
        "store_id": long(store_id(h, chance.randrange(STORES + 1))),
        "placed_at": moment(a_moment(chance)),
        "updated_at": moment(a_moment(chance)),
    }
    if chance.random() < 0.2:
        said |= chance.choice(_BROKEN)
    row = a_document(number, **said, change={"_op": _op(chance)})
    if row["_op"] == "d" and chance.random() < 0.5:
        row["document"] = None
    return row | ({"document": "{"} if chance.random() < 0.05 else {})


def _buyer(log: Log) -> Row:
    return a_buyer(buyer_id=f"B-{log.history}-{log.chance.randrange(4)}", **contacts(log.history, log.chance))


def _line(log: Log) -> Row:
    chance = log.chance
    units = chance.choice((1, 2, -1))
    known = {"sku": sku(log.history, chance.randrange(PRODUCTS)), "quantity": long(units)}
    return a_line(chance.randrange(1, 3), **known, amount=chance.choice((decimal("1.50"), decimal("-3"), "?")))


_BROKEN: tuple[Row, ...] = (
    {"items": "?"},
    {"items": []},
    {"order_number": "another"},
    {"order_number": None},
    {"placed_at": "yesterday"},
    {"status": "lost"},
)
