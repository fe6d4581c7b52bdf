"""Which channel a basket came through: the data does not say, so a hash of the basket's id does."""

from enum import StrEnum

from shopsphere_local.journey.chance import Chance
from shopsphere_local.journey.rates import MILLION, TILL, WEB


class Channel(StrEnum):
    """Where an order was placed."""

    TILL = "till"
    WEB = "web"
    MARKETPLACE = "marketplace"


def channel_of(chance: Chance, basket_id: int) -> Channel:
    """Till for 50 %, web for 35 %, marketplace for 15 % of the baskets."""
    point = chance.pick(MILLION, "channel", basket_id)
    if point < TILL:
        return Channel.TILL
    return Channel.WEB if point < TILL + WEB else Channel.MARKETPLACE
