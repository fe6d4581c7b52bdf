"""What single orders look like in the shop and on the marketplace."""

from decimal import Decimal

from bson.decimal128 import Decimal128
from journey_builders import CHANCE, first_days, order, people
from shopsphere_local.journey.channels import Channel, channel_of
from shopsphere_local.journey.marketplace import BrokenDocumentInserted, OrderPlaced, StatusChanged
from shopsphere_local.journey.mongo import order_document
from shopsphere_local.journey.orders import OrderLine
from shopsphere_local.journey.shop import AccountClosed, OrdersCommitted, ProfileChanged, transactions


def test_the_unit_price_is_before_discount_and_rounded_half_to_even() -> None:
    assert OrderLine(1, "P1", 3, 100, 0).unit_price == Decimal("0.333333")
    assert OrderLine(1, "P1", 2, 100, 50).unit_price == Decimal("0.75")
    assert OrderLine(1, "P1", -2, -100, -50).unit_price == Decimal("0.75")
    assert OrderLine(1, "P1", 0, 199, 0).unit_price == 0


def test_channels_share_the_baskets_as_stated() -> None:
    counts = dict.fromkeys(Channel, 0)
    for basket_id in range(20_000):
        counts[channel_of(CHANCE, basket_id)] += 1
    shares = {channel: round(count / 20_000, 2) for channel, count in counts.items()}
    assert shares == {Channel.TILL: 0.5, Channel.WEB: 0.35, Channel.MARKETPLACE: 0.15}


def test_a_return_gives_the_whole_order_back_under_its_own_number() -> None:
    orders = {
        o.order_id: o
        for day in first_days()
        for t in day.transactions
        if isinstance(t, OrdersCommitted)
        for o in t.orders
    }
    returns = [o for o in orders.values() if o.is_return]
    assert returns
    for back in returns:
        original = orders[back.order_id - 900_000_000_000]
        assert back.returns_order_id == original.order_id
        assert back.amount == -original.amount
        assert back.quantity == -original.quantity
        assert 0 <= (back.ordered_at.date() - original.ordered_at.date()).days - 1 < 10


def test_changes_of_accounts_stand_between_the_orders_of_their_time() -> None:
    noon, later = order(), order(day=1, order_id=8)
    profile = people().versions[1][0]
    found = transactions([noon, later], [profile], [(noon.ordered_at, 5)])
    assert [type(t) for t in found] == [ProfileChanged, OrdersCommitted, AccountClosed, OrdersCommitted]


def test_a_closed_account_has_no_more_orders() -> None:
    closed = {t.user_id: t.at for day in first_days() for t in day.transactions if isinstance(t, AccountClosed)}
    assert closed, "the first days close an account"
    for day in first_days():
        for t in day.transactions:
            for placed in t.orders if isinstance(t, OrdersCommitted) else ():
                owner = placed.user_id
                assert owner not in closed or placed.is_return or placed.ordered_at < closed[owner]


def test_the_marketplace_moves_every_order_on() -> None:
    operations = [o for day in first_days() for o in day.operations]
    placed = {o.order.key for o in operations if isinstance(o, OrderPlaced)}
    steps = [o for o in operations if isinstance(o, StatusChanged)]
    assert {o.order.key for o in steps} <= placed
    assert {o.status for o in steps} == {"shipped", "delivered", "cancelled"}
    assert any(isinstance(o, BrokenDocumentInserted) for o in operations)


def test_a_document_holds_money_as_decimals_and_the_order_line_by_line() -> None:
    placed = next(o for day in first_days() for o in day.operations if isinstance(o, OrderPlaced))
    document = order_document(placed.order, placed.buyer, placed.at)
    assert document["_id"] == document["order_number"] == placed.order.key
    assert document["payment"]["amount"] == Decimal128(Decimal(placed.order.amount).scaleb(-2))
    total = sum(item["amount"].to_decimal() for item in document["items"])
    assert total == document["payment"]["amount"].to_decimal()
