"""The messages of the gRPC door that tell the terms on which stock is promised."""

from collections.abc import Iterable

from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere_kit.errors import InvalidArgument

from inventory.journal import Item
from inventory.messages import moment_of, timestamp
from inventory.terms import ANY, Allowance, Bundle, Component, Incoming, SafetyStock, SkuClass, Term, Terms


def terms_of(messages: Iterable[pb.Term]) -> list[Term]:
    """The terms that messages name; raises InvalidArgument."""
    return [_term(position, message) for position, message in enumerate(messages)]


def told(found: Terms) -> pb.Terms:
    """All terms, in an order of their own."""
    safety = [
        pb.Term(safety_stock=pb.SafetyStock(channel=channel, location=location, sku_class=sku_class, units=units))
        for (channel, location, sku_class), units in sorted(found.safety_stocks.items())
    ]
    classes = [pb.Term(sku_class=pb.SkuClass(sku=sku, sku_class=name)) for sku, name in found.classes.items()]
    allowances = [pb.Term(allowance=_allowance(each)) for _, each in sorted(found.allowances.items())]
    incoming = [pb.Term(incoming=_incoming(each)) for _, each in sorted(found.expected.items())]
    bundles = [pb.Term(bundle=_bundle(each)) for each in found.bundles.values()]
    return pb.Terms(terms=[*safety, *classes, *allowances, *incoming, *bundles])


def _term(position: int, message: pb.Term) -> Term:
    match message.WhichOneof("term"):
        case "safety_stock":
            named = message.safety_stock
            return SafetyStock(named.channel or ANY, named.location or ANY, named.sku_class or ANY, named.units)
        case "sku_class":
            return SkuClass(message.sku_class.sku, message.sku_class.sku_class)
        case "allowance":
            allowed = message.allowance
            item = Item(allowed.sku, allowed.location)
            return Allowance(item, allowed.backorder_quota, allowed.preorder_limit)
        case "incoming":
            coming = message.incoming
            at = moment_of(coming.expected_at, f"terms.{position}.expected_at")
            return Incoming(Item(coming.sku, coming.location), coming.reference, coming.units, at)
        case "bundle":
            components = tuple(Component(each.sku, each.quantity) for each in message.bundle.components)
            return Bundle(message.bundle.sku, components)
    raise InvalidArgument("name one term", field=f"terms.{position}")


def _allowance(each: Allowance) -> pb.Allowance:
    return pb.Allowance(
        sku=each.item.sku,
        location=each.item.location,
        backorder_quota=each.backorder_quota,
        preorder_limit=each.preorder_limit,
    )


def _incoming(each: Incoming) -> pb.Incoming:
    return pb.Incoming(
        sku=each.item.sku,
        location=each.item.location,
        reference=each.reference,
        units=each.units,
        expected_at=timestamp(each.expected_at),
    )


def _bundle(each: Bundle) -> pb.Bundle:
    components = [pb.BundleComponent(sku=of.sku, quantity=of.quantity) for of in each.components]
    return pb.Bundle(sku=each.sku, components=components)
