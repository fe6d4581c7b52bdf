"""A day in the shop's database as the transactions that its applications would commit, in the order of time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.orders import Order
from shopsphere_local.journey.people import Profile
from shopsphere_local.journey.rates import ORDERS_PER_TRANSACTION


@dataclass(frozen=True, slots=True)
class OrdersCommitted:
    """Up to 50 orders with their lines, in one transaction."""

    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """A customer's new version, as one update."""

    profile: Profile


@dataclass(frozen=True, slots=True)
class AccountClosed:
    """A customer who leaves: marked as closed and deleted in one transaction; the orders stay."""

    user_id: int
    at: datetime


Transaction = OrdersCommitted | ProfileChanged | AccountClosed


def transactions(
    orders: Iterable[Order], changes: Iterable[Profile], closures: Iterable[tuple[datetime, int]]
) -> list[Transaction]:
    """The day's till and web orders, profile changes and closures in the order of time."""
    in_shop = [order for order in orders if order.channel is not Channel.MARKETPLACE]
    accounts: list[tuple[datetime, Transaction]] = [(p.updated_at, ProfileChanged(p)) for p in changes]
    accounts += [(at, AccountClosed(user_id, at)) for at, user_id in closures]
    found: list[Transaction] = []
    start = 0
    for at, account in sorted(accounts, key=lambda pair: pair[0]):
        end = next((i for i in range(start, len(in_shop)) if in_shop[i].ordered_at > at), len(in_shop))
        found += [*_batches(in_shop[start:end]), account]
        start = end
    return found + list(_batches(in_shop[start:]))


def _batches(orders: list[Order]) -> Iterator[OrdersCommitted]:
    for start in range(0, len(orders), ORDERS_PER_TRANSACTION):
        yield OrdersCommitted(tuple(orders[start : start + ORDERS_PER_TRANSACTION]))
