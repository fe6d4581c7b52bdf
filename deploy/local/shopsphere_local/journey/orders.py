"""Baskets become orders: channel, customer, card, fraud's uplift, and the orders that later come back."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from shopsphere_local.journey import rates
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.channels import Channel, channel_of
from shopsphere_local.journey.dataset import Basket, day_start
from shopsphere_local.journey.fraud import FraudPlan, Scenario
from shopsphere_local.journey.people import People

RETURN_OFFSET: Final = 900_000_000_000
_PRICE_STEP: Final = Decimal("0.000001")
# Returns are taken between 10:00 and 20:00.
_RETURNS_OPEN_SECOND: Final = 36_000
_RETURNS_OPEN_SECONDS: Final = 36_000


class OrderLine(NamedTuple):
    """One line; amount and discount in cents, all three negative on a return."""

    number: int
    sku: str
    quantity: int
    amount: int
    discount: int

    @property
    def unit_price(self) -> Decimal:
        """Dollars per unit before discount, six places, half to even; 0 when nothing was counted."""
        if self.quantity == 0:
            return Decimal(0)
        return (Decimal(self.amount + self.discount) / 100 / self.quantity).quantize(_PRICE_STEP, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Order:
    """One order of any channel as the replay knows it; scenario is the truth that the platform is not told."""

    order_id: int
    channel: Channel
    household_id: int
    user_id: int | None
    store_id: int
    card_token: str
    lines: tuple[OrderLine, ...]
    ordered_at: datetime
    scenario: Scenario | None = None
    returns_order_id: int | None = None

    @property
    def key(self) -> str:
        """The order's id as the platform's text: a marketplace order is MP-<basket>."""
        return f"MP-{self.order_id}" if self.channel is Channel.MARKETPLACE else str(self.order_id)

    @property
    def is_return(self) -> bool:
        """True for an order that gives goods back."""
        return self.returns_order_id is not None

    @property
    def card_is_absent(self) -> bool:
        """True where fraud can happen: no clerk sees the card."""
        return self.channel is not Channel.TILL

    @property
    def amount(self) -> int:
        """What was paid, in cents."""
        return sum(line.amount for line in self.lines)

    @property
    def quantity(self) -> int:
        """Units over all lines."""
        return sum(line.quantity for line in self.lines)


def card_token(chance: Chance, household_id: int, basket_id: int) -> str:
    """The card a household paid with: one in five households has a second card and uses both equally."""
    second = chance.happens(rates.SECOND_CARD, "second card", household_id)
    card = chance.pick(2, "card used", basket_id) if second else 0
    return f"tok_{chance.number('card token', household_id, card):016x}"


class OrderBook:
    """Places the orders of one day after the other; days must be asked for in their order, from day 0."""

    def __init__(self, chance: Chance, people: People, fraud: FraudPlan) -> None:
        self._chance, self._people, self._fraud = chance, people, fraud
        self._returns_due: defaultdict[int, list[Order]] = defaultdict(list)

    def day(self, number: int, baskets: list[Basket]) -> list[Order]:
        """The day's orders and returns in the order of time."""
        orders = [self._place(basket) for basket in baskets]
        for order in orders:
            self._plan_return(number, order)
        return sorted(orders + self._returns_due.pop(number, []), key=lambda o: (o.ordered_at, o.order_id))

    def _place(self, basket: Basket) -> Order:
        """One basket as an order, five times as large when a stolen card paid for it."""
        channel = channel_of(self._chance, basket.basket_id)
        scenario = self._fraud.scenario(basket, channel)
        factor = rates.CARD_FACTOR if scenario is Scenario.CARD else 1
        lines = tuple(
            OrderLine(
                number, f"P{line.product_id}", line.quantity * factor, line.amount * factor, line.discount * factor
            )
            for number, line in enumerate(basket.lines, start=1)
        )
        return Order(
            order_id=basket.basket_id,
            channel=channel,
            household_id=basket.household_id,
            user_id=self._user_id(basket, channel),
            store_id=basket.store_id,
            card_token=card_token(self._chance, basket.household_id, basket.basket_id),
            lines=lines,
            ordered_at=basket.bought_at,
            scenario=scenario,
        )

    def _user_id(self, basket: Basket, channel: Channel) -> int | None:
        """The household, or None: 1 % of till orders lack the customer, and a closed account has no more orders."""
        closed_at = self._people.closed_at(basket.household_id)
        if closed_at is not None and basket.bought_at >= closed_at:
            return None
        forgotten = channel is Channel.TILL and self._chance.happens(rates.NO_CUSTOMER, "no customer", basket.basket_id)
        return None if forgotten else basket.household_id

    def _plan_return(self, number: int, order: Order) -> None:
        """1 % of the sound till and web orders come back as a whole, 1–10 days later."""
        sound = order.scenario is None and order.channel is not Channel.MARKETPLACE
        if not sound or not self._chance.happens(rates.RETURNED, "returned", order.order_id):
            return
        day = number + 1 + self._chance.pick(rates.RETURN_DAYS_MOST, "return day", order.order_id)
        second = _RETURNS_OPEN_SECOND + self._chance.pick(_RETURNS_OPEN_SECONDS, "return time", order.order_id)
        self._returns_due[day].append(_return_of(order, day_start(day) + timedelta(seconds=second)))


def _return_of(order: Order, at: datetime) -> Order:
    """The order that gives every line of another one back."""
    lines = tuple(OrderLine(x.number, x.sku, -x.quantity, -x.amount, -x.discount) for x in order.lines)
    return Order(
        order_id=RETURN_OFFSET + order.order_id,
        channel=order.channel,
        household_id=order.household_id,
        user_id=order.user_id,
        store_id=order.store_id,
        card_token=order.card_token,
        lines=lines,
        ordered_at=at,
        returns_order_id=order.order_id,
    )
