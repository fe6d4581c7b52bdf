"""Which orders are fraudulent: the three scenarios of the Fraud Detection Handbook's simulator, our own implementation.

Source: Le Borgne, Siblini, Lebichot, Bontempi, "Reproducible Machine Learning for Credit Card Fraud Detection", chapter
3. Only web and marketplace orders can be fraudulent: at the till the card is present. Draws start one window before the
first day, so that the first day already has its share.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final

from shopsphere_local.journey import rates
from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.channels import Channel
from shopsphere_local.journey.dataset import Basket

_DAY_SECONDS: Final = 86_400


class Scenario(StrEnum):
    """How a fraudulent order came about."""

    AMOUNT = "amount_over_limit"
    STORE = "compromised_store"
    CARD = "compromised_card"


class FraudPlan:
    """The fraud of the whole year, decided by the seed and the ids of stores and households alone."""

    def __init__(self, chance: Chance, stores: list[int], households: list[int]) -> None:
        self._chance, self._stores, self._households = chance, stores, households
        self.compromised_stores = cache(self._compromised_stores)
        self.compromised_households = cache(self._compromised_households)

    def scenario(self, basket: Basket, channel: Channel) -> Scenario | None:
        """The scenario a basket falls under; a card's comes first because it alone changes the amounts."""
        if channel is Channel.TILL:
            return None
        if basket.household_id in self.compromised_households(basket.day) and self._chance.happens(
            rates.CARD_ORDERS, "card", basket.basket_id
        ):
            return Scenario.CARD
        if basket.store_id in self.compromised_stores(basket.day):
            return Scenario.STORE
        over = sum(line.amount for line in basket.lines) > rates.AMOUNT_LIMIT_CENTS
        return Scenario.AMOUNT if over else None

    def _compromised_stores(self, day: int) -> frozenset[int]:
        """One store is drawn every fourth day and stays compromised for 28 days."""
        drawn = range(day - rates.STORE_WINDOW_DAYS + 1, day + 1)
        days = (d for d in drawn if d % rates.STORE_DRAW_EVERY_DAYS == 0)
        return frozenset(self._stores[self._chance.pick(len(self._stores), "terminal", d)] for d in days)

    def _compromised_households(self, day: int) -> frozenset[int]:
        """Six households are drawn every day; their cards stay compromised for 14 days."""
        drawn = range(day - rates.CARD_WINDOW_DAYS + 1, day + 1)
        count = len(self._households)
        return frozenset(
            self._households[self._chance.pick(count, "household", d, n)]
            for d in drawn
            for n in range(rates.CARD_DRAWS_PER_DAY)
        )


@dataclass(frozen=True, slots=True)
class Label:
    """What a chargeback said about an order, and when it became known."""

    order_key: str
    is_fraud: bool
    known_at: datetime


def label_of(chance: Chance, order_key: str, scenario: Scenario | None, ordered_at: datetime) -> Label | None:
    """A fraudulent order's chargeback 1–6 days later, a sound order's dispute in vain, or None: most get no label."""
    if scenario is None and not chance.happens(rates.DISPUTED_IN_VAIN, "dispute", order_key):
        return None
    span = (rates.CHARGEBACK_DAYS_MOST - 1) * _DAY_SECONDS
    delay = _DAY_SECONDS + chance.pick(span, "chargeback", order_key)
    return Label(order_key, scenario is not None, ordered_at + timedelta(seconds=delay))
