"""Why a command changes nothing, with what its caller needs to know. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from inventory.holds import HoldState
from inventory.journal import Item


class Refusal(StrEnum):
    """Why a command was refused; stable names that both doors answer with."""

    SKU_UNKNOWN = "sku_unknown"
    LOCATION_UNKNOWN = "location_unknown"
    INSUFFICIENT_STOCK = "insufficient_stock"
    RESERVATION_UNKNOWN = "reservation_unknown"
    RESERVATION_NOT_HELD = "reservation_not_held"
    LINES_NOT_HELD = "lines_not_held"
    STOCK_CHANGED = "stock_changed"
    COUNT_AHEAD = "count_ahead"


@dataclass(frozen=True, slots=True)
class Shortage:
    """A line that asks for more units than can be promised (or than the hold has), and how many there are."""

    item: Item
    requested: int
    available: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An adjustment, by its place in the batch, whose condition does not hold, and what is there instead."""

    position: int
    version: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that changed nothing, with what the caller needs to know."""

    reason: Refusal
    shortages: tuple[Shortage, ...] = ()
    items: tuple[Item, ...] = ()
    state: HoldState | None = None
    mismatches: tuple[Mismatch, ...] = ()
