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

    def promise(self, location: str) -> Promise:
        """What the terms say of the sku at a location."""
        return self.promises.get(Item(self.sku, location), _NO_TERMS)

    def units(self, bucket: Bucket, location: str | None = None) -> int:
        """Units in a bucket other than on hand, at one location or over all."""
        return sum(
            units
            for item, units in self.set_aside.items()
            if item.bucket is bucket and location in (None, item.location)
        )

    @property
    def on_hand(self) -> int:
        """Units on hand over all locations."""
        return sum(balance.on_hand for balance in self.locations.values())

    @property
    def reserved(self) -> int:
        """Units reserved over all locations."""
        return sum(balance.reserved for balance in self.locations.values())

    @property
    def available_to_promise(self) -> int:
        """Units that may be promised from the shelves; a location below zero takes nothing from the others."""
        return sum(self.promise(location).available(balance) for location, balance in self.locations.items())

    @property
    def safety_stock(self) -> int:
        """Units that the channel keeps back over all locations."""
        return sum(self.promise(location).safety_stock for location in self.locations)

    @property
    def available_beyond(self) -> int:
        """Units that may be promised although they are not there."""
        return sum(self.promise(location).beyond(balance) for location, balance in self.locations.items())

    @property
    def incoming(self) -> int:
        """Units expected up to the date asked for."""
        return sum(self.promise(location).incoming for location in self.locations)

    @property
    def available_later(self) -> int:
        """Units that may be promised when what is incoming has come."""
        return sum(self.promise(location).available_later(balance) for location, balance in self.locations.items())

    @property
    def version(self) -> int:
        """Grows with each change at any of the locations."""
        return sum(balance.version for balance in self.locations.values())


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
        return sum(availability.version for availability in self.availabilities)


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
