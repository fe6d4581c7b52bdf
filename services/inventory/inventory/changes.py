"""What changed, for those who follow it: changes in one order, and cursors from which to go on. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self

from shopsphere_kit.errors import InvalidArgument

from inventory.errors import ChangesTrimmed
from inventory.journal import Item

# Numbers stay exact in Lua up to 2^53, which has 16 digits.
_CURSOR = re.compile(r"(\d{1,16})-(\d{1,15})")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a reader has come: the number of the last change it knows, in the data set of this epoch."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"

    @classmethod
    def parse(cls, text: str, field: str = "after") -> Self:
        """The cursor that was told as this text; raises InvalidArgument."""
        found = _CURSOR.fullmatch(text)
        if not found or not text.isascii():
            raise InvalidArgument(f"{field} is no cursor; send one as it was told, or none", field=field)
        return cls(int(found[1]), int(found[2]))


# Before the first change of any data set: nobody can go on from there.
NEVER = Cursor(0, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """An item after a call that changed it; `kind` is the last entry that the call made in its journal.

    `is_low` only where what can be promised crossed the low-stock threshold: True when it fell to it, False when it
    rose above it again.
    """

    cursor: Cursor
    item: Item
    quantity: int
    reserved: int
    version: int
    kind: str
    as_of: datetime
    is_low: bool | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in their order, and the cursor to go on from."""

    cursor: Cursor
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which changes a follower wants; without skus or location all of them."""

    skus: frozenset[str] = frozenset()
    location: str | None = None

    def of(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Those of the changes that are wanted."""
        return tuple(each for each in changes if self._is_wanted(each.item))

    def _is_wanted(self, item: Item) -> bool:
        return (not self.skus or item.sku in self.skus) and self.location in (None, item.location)


class ChangeStore(Protocol):
    """The changes of a stock store; every method raises StockUnavailable."""

    async def changes(self, after: Cursor | None, most: int) -> Changes:
        """The changes after a cursor, the oldest first; without one none, and the cursor of now.

        Raises ChangesTrimmed when some of them are gone, or the cursor is of another data set.
        """
        ...

    async def lead_changes(self, worker: str, lease: timedelta) -> Cursor | None:
        """Be the one worker that sends changes for so long; None while another one is.

        The answer is the cursor of what was sent, NEVER when nothing was.
        """
        ...

    async def changes_sent(self, worker: str, before: Cursor, after: Cursor) -> bool:
        """Move the cursor of what was sent; False when another worker leads or moved it."""
        ...

    async def set_low_stock(self, units: int) -> None:
        """From now on an item is low when so many units or fewer can be promised of it."""
        ...


def trimmed(after: Cursor) -> ChangesTrimmed:
    """The error of a cursor from which nobody can go on."""
    return ChangesTrimmed(
        f"the changes after {after} are no longer kept, or are of another data set; read everything again, and follow"
        " from a new cursor",
        field="after",
    )


def crossing(before: int, after: int, low_stock: int) -> bool | None:
    """Whether units to promise became low (True), were restocked (False), or neither."""
    was_low, is_low = before <= low_stock, after <= low_stock
    return None if was_low == is_low else is_low
