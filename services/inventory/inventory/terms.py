"""The terms on which stock is promised: safety stock, what may be promised beyond the shelf, bundles. Pure.

What can be promised of an item = on hand − reserved − safety stock, and up to its allowance beyond that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from inventory.holds import Line
from inventory.journal import Balance, Bucket, Item

ANY = "*"


@dataclass(frozen=True, slots=True)
class SafetyStock:
    """Units that a channel never sells at a location of a class of skus; ANY where it holds for all; 0 ends it."""

    channel: str
    location: str
    sku_class: str
    units: int


@dataclass(frozen=True, slots=True)
class SkuClass:
    """The class of a sku, for safety stock; an empty name ends it."""

    sku: str
    name: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """Units of an item that may be promised although they are not there.

    `backorder_quota` whatever is on its way, `preorder_limit` at most what is incoming.
    """

    item: Item
    backorder_quota: int
    preorder_limit: int = 0

    @property
    def is_some(self) -> bool:
        """True when it allows anything."""
        return bool(self.backorder_quota or self.preorder_limit)


@dataclass(frozen=True, slots=True)
class Incoming:
    """Units of an item that are expected, under a reference of whoever sends them; 0 ends it."""

    item: Item
    reference: str
    units: int
    expected_at: datetime


@dataclass(frozen=True, slots=True)
class Component:
    """Units of a sku in one bundle."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A sku that is made of others; without components it is an ordinary one again."""

    sku: str
    components: tuple[Component, ...]


Term = SafetyStock | SkuClass | Allowance | Incoming | Bundle


@dataclass(frozen=True, slots=True)
class SetTerms:
    """Command: let these terms hold from now on, in place of those of the same name."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class TermsSet:
    """So many terms were set."""

    count: int


@dataclass(frozen=True, slots=True)
class Promise:
    """What the terms say of one item: units kept back, units that may be promised beyond the shelf, units incoming."""

    safety_stock: int = 0
    allowance: int = 0
    incoming: int = 0

    def available(self, balance: Balance) -> int:
        """Units that can be promised from the shelf."""
        return max(0, balance.unreserved - self.safety_stock)

    def promisable(self, balance: Balance) -> int:
        """Units that can be promised at all."""
        return max(0, balance.unreserved - self.safety_stock + self.allowance)

    def beyond(self, balance: Balance) -> int:
        """Units that can be promised although they are not there."""
        return self.promisable(balance) - self.available(balance)

    def available_later(self, balance: Balance) -> int:
        """Units that can be promised when what is incoming has come."""
        return max(0, balance.unreserved - self.safety_stock + self.incoming)


@dataclass(frozen=True, slots=True)
class Terms:
    """All terms that hold."""

    safety_stocks: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    allowances: Mapping[Item, Allowance] = field(default_factory=dict)
    expected: Mapping[tuple[Item, str], Incoming] = field(default_factory=dict)
    bundles: Mapping[str, Bundle] = field(default_factory=dict)

    def having(self, term: Term) -> "Terms":
        """The terms with one more, or with another in place of the one of the same name."""
        match term:
            case SafetyStock(channel, location, sku_class, units):
                stocks = {**self.safety_stocks, (channel, location, sku_class): units}
                return replace(self, safety_stocks={names: kept for names, kept in stocks.items() if kept})
            case SkuClass(sku, name):
                return replace(self, classes={of: kept for of, kept in {**self.classes, sku: name}.items() if kept})
            case Allowance(item):
                allowances = {**self.allowances, item: term}
                return replace(self, allowances={of: each for of, each in allowances.items() if each.is_some})
            case Incoming(item, reference):
                expected = {**self.expected, (item, reference): term}
                return replace(self, expected={name: each for name, each in expected.items() if each.units})
            case Bundle(sku):
                bundles = {**self.bundles, sku: term}
                return replace(self, bundles={name: each for name, each in bundles.items() if each.components})

    def of(self, sku: str | None) -> "Terms":
        """The safety stocks, and what holds of one sku."""
        return Terms(
            self.safety_stocks,
            {of: name for of, name in self.classes.items() if of == sku},
            {item: each for item, each in self.allowances.items() if item.sku == sku},
            {name: each for name, each in self.expected.items() if each.item.sku == sku},
            {of: bundle for of, bundle in self.bundles.items() if of == sku},
        )

    def promise(self, item: Item, channel: str = "", until: datetime | None = None) -> Promise:
        """What holds of an item in a channel; incoming up to a time, or all of it."""
        arriving = [each for (of, _), each in self.expected.items() if of == item]
        total = sum(each.units for each in arriving)
        allowed = self.allowances.get(item, Allowance(item, 0))
        return Promise(
            self._safety_stock(item, channel),
            allowed.backorder_quota + min(allowed.preorder_limit, total),
            total if until is None else sum(each.units for each in arriving if each.expected_at <= until),
        )

    def shown(self, item: Item, channel: str, until: datetime | None) -> Promise:
        """What a reader is told of an item; what a bundle may promise is in how often it can be made."""
        return Promise() if item.sku in self.bundles else self.promise(item, channel, until)

    def expanded(self, lines: Iterable[Line]) -> Iterator[Line]:
        """The lines, bundles as lines of their components."""
        for line in lines:
            bundle = self.bundles.get(line.item.sku)
            if bundle is None:
                yield line
            for component in bundle.components if bundle else ():
                yield Line(replace(line.item, sku=component.sku), component.quantity * line.quantity)

    def components(self, skus: Iterable[str]) -> list[str]:
        """The skus, bundles as those of their components."""
        bundles = {sku: self.bundles[sku].components for sku in skus if sku in self.bundles}
        return [part for sku in skus for part in ([each.sku for each in bundles[sku]] if sku in bundles else [sku])]

    def made(self, bundle: Bundle, balances: Mapping[Item, Balance], channel: str) -> dict[Item, Balance]:
        """How often a bundle can be made at each location that has all its components, as balances."""
        parts = {item.location: item for item in balances if item.bucket is Bucket.ON_HAND}
        found: dict[Item, Balance] = {}
        for location in parts:
            items = [(Item(each.sku, location), each.quantity) for each in bundle.components]
            if all(item in balances for item, _ in items):
                times = min(
                    self.promise(item, channel).available(balances[item]) // quantity for item, quantity in items
                )
                version = sum(balances[item].version for item, _ in items)
                found[Item(bundle.sku, location)] = Balance(times, 0, version)
        return found

    def _safety_stock(self, item: Item, channel: str) -> int:
        # The rule that names most holds; of two that name as much, a location before a channel before a class.
        sku_class = self.classes.get(item.sku, "")
        for names in safety_stock_names(channel, item.location, sku_class):
            if names in self.safety_stocks:
                return self.safety_stocks[names]
        return 0


def safety_stock_names(channel: str, location: str, sku_class: str) -> list[tuple[str, str, str]]:
    """The names under which a safety stock may stand, the one that holds first; an empty name is none."""
    ordered = [
        (channel, location, sku_class),
        (channel, location, ANY),
        (ANY, location, sku_class),
        (channel, ANY, sku_class),
        (ANY, location, ANY),
        (channel, ANY, ANY),
        (ANY, ANY, sku_class),
        (ANY, ANY, ANY),
    ]
    return [names for names in ordered if all(names)]
