"""Writes the shop: the schema, what exists before the first day, and a day's transactions."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from decimal import Decimal
from importlib.resources import files
from typing import Any, Final, LiteralString

import psycopg
from shopsphere_kit.errors import FailedPrecondition

from shopsphere_local.journey.dataset import day_start
from shopsphere_local.journey.orders import Order
from shopsphere_local.journey.people import Profile
from shopsphere_local.journey.shop import AccountClosed, OrdersCommitted, ProfileChanged, Transaction
from shopsphere_local.journey.stores import Store

_COPY: Final[dict[str, LiteralString]] = {
    "users": "copy users from stdin",
    "products": "copy products from stdin",
    "stores": "copy stores from stdin",
    "orders": "copy orders from stdin",
    "order_items": "copy order_items from stdin",
}
_CENTS: Final = Decimal("0.01")


def seed(
    connection: psycopg.Connection, users: list[Profile], products: list[tuple[Any, ...]], stores: list[Store]
) -> None:
    """Create the schema and copy customers, products and stores in one transaction; the shop must be empty."""
    with connection.transaction():
        connection.execute(_schema())
        if connection.execute("select 1 from users limit 1").fetchone():
            raise FailedPrecondition(
                "the shop's database already has customers: run `shopsphere reset` for empty sources",
                reason="sources_not_empty",
            )
        _copy(connection, "users", (astuple(user) for user in users))
        _copy(connection, "products", (_product(row) for row in products))
        _copy(connection, "stores", (astuple(store) for store in stores))


def write_day(connection: psycopg.Connection, transactions: Iterable[Transaction]) -> None:
    """Commit a day's transactions one by one."""
    for each in transactions:
        with connection.transaction():
            match each:
                case OrdersCommitted(orders):
                    _insert_orders(connection, orders)
                case ProfileChanged(profile):
                    _update_user(connection, profile)
                case AccountClosed():
                    _close_account(connection, each)


def _schema() -> LiteralString:
    """The statements of shop.sql, which lies beside this module."""
    return files("shopsphere_local.journey").joinpath("shop.sql").read_text(encoding="utf-8")


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    with connection.cursor().copy(_COPY[table]) as copy:
        for row in rows:
            copy.write_row(row)


def _product(row: tuple[Any, ...]) -> tuple[Any, ...]:
    product_id, manufacturer_id, department, brand, category, product_type, package_size = row
    sku, updated_at = f"P{product_id}", day_start(-1)
    return (product_id, sku, manufacturer_id, department, brand, category, product_type, package_size, updated_at)


def _insert_orders(connection: psycopg.Connection, orders: Sequence[Order]) -> None:
    _copy(connection, "orders", (_order(order) for order in orders))
    _copy(connection, "order_items", (row for order in orders for row in _items(order)))


def _order(order: Order) -> tuple[Any, ...]:
    return (
        order.order_id,
        order.user_id,
        order.store_id,
        order.channel.value,
        "returned" if order.is_return else "completed",
        "USD",
        order.card_token,
        order.amount * _CENTS,
        order.returns_order_id,
        order.ordered_at,
        order.ordered_at,
    )


def _items(order: Order) -> Iterable[tuple[Any, ...]]:
    for line in order.lines:
        discount, amount = line.discount * _CENTS, line.amount * _CENTS
        yield (order.order_id, line.number, line.sku, line.quantity, line.unit_price, discount, amount)


def _update_user(connection: psycopg.Connection, profile: Profile) -> None:
    connection.execute(
        "update users set email = %s, phone = %s, street = %s, city = %s, postal_code = %s, updated_at = %s "
        "where user_id = %s",
        (
            profile.email,
            profile.phone,
            profile.street,
            profile.city,
            profile.postal_code,
            profile.updated_at,
            profile.user_id,
        ),
    )


def _close_account(connection: psycopg.Connection, closed: AccountClosed) -> None:
    connection.execute(
        "update users set closed_at = %s, updated_at = %s where user_id = %s", (closed.at, closed.at, closed.user_id)
    )
    connection.execute("delete from users where user_id = %s", (closed.user_id,))
