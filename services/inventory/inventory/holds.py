"""A hold: units set apart for a basket until it ends, once. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from inventory.journal import Item


class HoldState(StrEnum):
    """A hold is held until it ends, once, in one of three ways."""

    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Line:
    """Units of one item that a basket asks for."""

    item: Item
    quantity: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Units set apart for one basket until `expires_at`; all its lines live and end together.

    `confirmed` are the units that were sold when it ended, `unfilled` those asked for at first that were not there;
    `channel` is where the basket is sold, for its safety stock.
    """

    reservation_id: str
    lines: tuple[Line, ...]
    created_at: datetime
    expires_at: datetime
    state: HoldState = HoldState.HELD
    ended_at: datetime | None = None
    version: int = 1
    confirmed: tuple[Line, ...] = ()
    unfilled: tuple[Line, ...] = ()
    channel: str = ""

    @property
    def skus(self) -> list[str]:
        """The skus of its lines, each once, in the order of the lines."""
        return list(dict.fromkeys(line.item.sku for line in self.lines))

    def quantity_of(self, item: Item) -> int:
        """Units of an item in its lines."""
        return sum(line.quantity for line in self.lines if line.item == item)

    def is_due(self, now: datetime) -> bool:
        """True when the hold still stands but its time is over."""
        return self.state is HoldState.HELD and self.expires_at <= now

    def ended(self, state: HoldState, now: datetime, confirmed: tuple[Line, ...] = ()) -> Self:
        """The hold after its end."""
        return replace(self, state=state, ended_at=now, version=self.version + 1, confirmed=confirmed)


def combine(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines with one line per item, quantities added, in the order of first mention."""
    units: dict[Item, int] = {}
    for line in lines:
        units[line.item] = units.get(line.item, 0) + line.quantity
    return tuple(Line(item, quantity) for item, quantity in units.items())


def due(holds: Iterable[Hold], sku: str, now: datetime) -> list[Hold]:
    """The holds on a sku whose time is over, the earliest first."""
    over = [hold for hold in holds if hold.is_due(now) and sku in hold.skus]
    return sorted(over, key=lambda hold: (hold.expires_at, hold.reservation_id))
