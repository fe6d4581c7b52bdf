"""What the application answers its doors with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from inventory.adjustments import Adjusted
from inventory.holds import Hold
from inventory.journal import Balance, Bucket, Item, StockEvent
from inventory.terms import Promise

_NO_TERMS = Promise()


@dataclass(frozen=True, slots=True)
class SkuAvailability:
    """A sku's balances by location, and the units set aside there; its own figures are their sums."""

    sku: str
    as_of: datetime
    locations: dict[str, Balance]
    epoch: int
    set_aside: Mapping[Item, int] = field(default_factory=dict)
    promises: Mapping[Item, Promise] = field(default_factory=dict)

    def figures(self, location: str | None = None) -> dict[str, int]:
        """Units at a location, or the sums over all, and the version, which grows with each change; by their names.

        A location below zero takes nothing from the others.
        """
        if location is None:
            parts = [self.figures(each) for each in self.locations]
            return {name: sum(part[name] for part in parts) for name in parts[0]}
        balance, promise = self.locations[location], self.promises.get(Item(self.sku, location), _NO_TERMS)
        return {
            "on_hand": balance.on_hand,
            "reserved": balance.reserved,
            "safety_stock": promise.safety_stock,
            "available_to_promise": promise.available(balance),
            "available_beyond": promise.beyond(balance),
            "incoming": promise.incoming,
            "available_later": promise.available_later(balance),
            "damaged": self._set_aside(Bucket.DAMAGED, location),
            "quality_control": self._set_aside(Bucket.QUALITY_CONTROL, location),
            "version": balance.version,
        }

    def _set_aside(self, bucket: Bucket, location: str) -> int:
        return self.set_aside.get(Item(self.sku, location, bucket), 0)


@dataclass(frozen=True, slots=True)
class BatchAvailability:
    """Availability of several skus at one moment, and the skus without a stock record."""

    as_of: datetime
    availabilities: tuple[SkuAvailability, ...]
    missing: tuple[str, ...]
    epoch: int

    @property
    def version(self) -> int:
        """Grows with each change of any of the skus."""
        return sum(balance.version for each in self.availabilities for balance in each.locations.values())


@dataclass(frozen=True, slots=True)
class Reservation:
    """A hold as it was at `as_of`; `is_replay` when the key had been answered before."""

    hold: Hold
    as_of: datetime
    is_replay: bool = False
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Adjustments:
    """The items that a batch changed as they were at `as_of`; `is_replay` when the key had been answered before."""

    adjusted: Adjusted
    as_of: datetime
    is_replay: bool = False
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class TermsAnswer:
    """So many terms were set at `as_of`; `is_replay` when the key had been answered before."""

    count: int
    as_of: datetime
    is_replay: bool = False
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Shelf:
    """An item as its journal told it at a time, and the newest entries up to then, the newest first."""

    item: Item
    balance: Balance
    entries: Sequence[StockEvent]


@dataclass(frozen=True, slots=True)
class SkuLedger:
    """A sku on all its shelves, as of a time."""

    sku: str
    as_of: datetime
    shelves: tuple[Shelf, ...]
    epoch: int
