"""What the demo asks the doors about: one sku, one scored order, one customer."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from shopsphere_local.demo.checkout import web_orders


@dataclass(frozen=True)
class Samples:
    """Real things of this run; `email` is personal and goes into bodies only."""

    sku: str
    location: str
    order: dict[str, Any]
    email: str = field(repr=False)

    @staticmethod
    def once(purpose: str) -> str:
        """A fresh idempotency key."""
        return f"demo-{purpose}-{secrets.token_hex(8)}"


def pick_samples(dsn: str, since: datetime) -> Samples:
    """A sku with its location, a scored web order and a customer's e-mail, from the shop's database."""
    order = list(web_orders(dsn, since))[-1]
    with psycopg.connect(dsn) as connection:
        sku = connection.execute(
            "SELECT sku, store_id FROM order_items JOIN orders USING (order_id)"
            " WHERE sku IN (SELECT sku FROM products) GROUP BY sku, store_id"
            # Fuel comes in thousands of units; an ordinary article shows better what stock is.
            " HAVING max(quantity) BETWEEN 1 AND 20 ORDER BY count(*) DESC, sku LIMIT 1"
        ).fetchone()
        email = connection.execute(
            "SELECT email FROM users JOIN orders USING (user_id) WHERE email IS NOT NULL"
            " GROUP BY email ORDER BY count(*) DESC, email LIMIT 1"
        ).fetchone()
    if sku is None or email is None:
        raise LookupError("the shop's database has no orders; did the replay run?")
    return Samples(sku=sku[0], location=f"S{sku[1]}", order=order, email=email[0])
