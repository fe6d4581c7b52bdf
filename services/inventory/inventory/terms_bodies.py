"""What the REST door takes and gives of the terms on which stock is promised, as JSON."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field

from inventory.bodies import Epoch, Location, Request, Sku
from inventory.journal import NAME, Item
from inventory.requests import COMPONENT_UNITS_MAX, COMPONENTS_MAX, TERMS_MAX
from inventory.stock import UNITS_MAX
from inventory.terms import ANY, Allowance, Bundle, Component, Incoming, SafetyStock, SkuClass, Term, Terms

_NAME = {"pattern": f"^({NAME.pattern}|\\{ANY})$"}
AnyName = Annotated[str, Field(json_schema_extra={**_NAME}, description="A name, or * where it holds for all.")]
Units = Annotated[int, Field(strict=True, json_schema_extra={"minimum": 0, "maximum": UNITS_MAX})]


class SafetyStockBody(Request):
    """Units that a channel never sells at a location of a class of skus; 0 ends it."""

    kind: Literal["safety_stock"] = "safety_stock"
    channel: AnyName = ANY
    location: AnyName = ANY
    sku_class: AnyName = ANY
    units: Units

    def asked(self) -> Term:
        """As the application takes it."""
        return SafetyStock(self.channel, self.location, self.sku_class, self.units)


class SkuClassBody(Request):
    """The class of a sku, for safety stock; an empty one ends it."""

    kind: Literal["sku_class"] = "sku_class"
    sku: Sku
    sku_class: str

    def asked(self) -> Term:
        """As the application takes it."""
        return SkuClass(self.sku, self.sku_class)


class AllowanceBody(Request):
    """Units that may be promised although they are not there; nothing of both ends it."""

    kind: Literal["allowance"] = "allowance"
    sku: Sku
    location: Location
    backorder_quota: Units = 0
    preorder_limit: Units = 0

    def asked(self) -> Term:
        """As the application takes it."""
        return Allowance(Item(self.sku, self.location), self.backorder_quota, self.preorder_limit)


class IncomingBody(Request):
    """Units that are expected, under a reference of whoever sends them; 0 ends it."""

    kind: Literal["incoming"] = "incoming"
    sku: Sku
    location: Location
    reference: Annotated[str, Field(json_schema_extra={"pattern": f"^{NAME.pattern}$"}, examples=["PO-2026-118"])]
    units: Units
    expected_at: AwareDatetime

    def asked(self) -> Term:
        """As the application takes it."""
        return Incoming(Item(self.sku, self.location), self.reference, self.units, self.expected_at)


class ComponentBody(Request):
    """Units of a sku in one bundle."""

    sku: Sku
    quantity: Annotated[int, Field(strict=True, json_schema_extra={"minimum": 1, "maximum": COMPONENT_UNITS_MAX})]


class BundleBody(Request):
    """A sku that is made of others; without components it is an ordinary one again."""

    kind: Literal["bundle"] = "bundle"
    sku: Sku
    components: Annotated[list[ComponentBody], Field(json_schema_extra={"maxItems": COMPONENTS_MAX})]

    def asked(self) -> Term:
        """As the application takes it."""
        return Bundle(self.sku, tuple(Component(each.sku, each.quantity) for each in self.components))


TermBody = Annotated[
    SafetyStockBody | SkuClassBody | AllowanceBody | IncomingBody | BundleBody, Field(discriminator="kind")
]


class TermsBody(Request):
    """A batch: all of it holds, or nothing."""

    terms: Annotated[list[TermBody], Field(json_schema_extra={"minItems": 1, "maxItems": TERMS_MAX})]


class TermsSetAnswer(BaseModel):
    """So many terms were set."""

    count: int
    as_of: datetime
    epoch: Epoch


class TermsAnswer(BaseModel):
    """The safety stocks that hold, and of a sku its class, allowances, what is incoming, and its components."""

    terms: list[TermBody]

    @classmethod
    def of(cls, found: Terms) -> Self:
        """Encode what the application found, in an order of its own."""
        told: list[TermBody] = [
            SafetyStockBody(channel=channel, location=location, sku_class=sku_class, units=units)
            for (channel, location, sku_class), units in sorted(found.safety_stocks.items())
        ]
        told += [SkuClassBody(sku=sku, sku_class=name) for sku, name in found.classes.items()]
        told += [
            AllowanceBody(
                sku=item.sku,
                location=item.location,
                backorder_quota=each.backorder_quota,
                preorder_limit=each.preorder_limit,
            )
            for item, each in sorted(found.allowances.items())
        ]
        told += [
            IncomingBody(
                sku=item.sku,
                location=item.location,
                reference=reference,
                units=each.units,
                expected_at=each.expected_at,
            )
            for (item, reference), each in sorted(found.expected.items())
        ]
        told += [
            BundleBody(sku=sku, components=[ComponentBody(sku=of.sku, quantity=of.quantity) for of in each.components])
            for sku, each in found.bundles.items()
        ]
        return cls(terms=told)
