"""What the Redis functions take for an operator's commands: adjustments and terms; and the terms that they tell."""

from collections.abc import Iterator, Sequence

import msgspec

from inventory.adjustments import Adjustment, ChangeBy, CountAs, MoveTo, SetTo
from inventory.journal import Item
from inventory.terms import Allowance, Bundle, Component, Incoming, SafetyStock, SkuClass, Term, Terms
from inventory.wire import microseconds, moment

Record = dict[str, str | int | list[tuple[str, int]]]
_ADJUSTMENT_KINDS: dict[type[Adjustment], str] = {ChangeBy: "delta", SetTo: "set", CountAs: "count", MoveTo: "move"}


def adjustment_record(adjustment: Adjustment) -> Record:
    """What `inventory_adjust` takes for one adjustment."""
    named = {
        "if_version": adjustment.if_version,
        "if_quantity": adjustment.if_quantity,
        "occurred_at": microseconds(adjustment.occurred_at) if isinstance(adjustment, CountAs) else None,
        "to_shelf": adjustment.target.shelf if isinstance(adjustment, MoveTo) else None,
    }
    return {
        "kind": _ADJUSTMENT_KINDS[type(adjustment)],
        "sku": adjustment.item.sku,
        "shelf": adjustment.item.shelf,
        "quantity": adjustment.quantity,
        **{name: value for name, value in named.items() if value is not None},
    }


def term_record(term: Term) -> Record:
    """What `inventory_set_terms` takes for one term."""
    match term:
        case SafetyStock(channel, location, sku_class, units):
            return {"kind": "safety", "channel": channel, "location": location, "class": sku_class, "units": units}
        case SkuClass(sku, name):
            return {"kind": "class", "sku": sku, "class": name}
        case Allowance(item, quota, limit):
            return {"kind": "allowance", **_named(item), "quota": quota, "limit": limit}
        case Incoming(item, reference, units, expected_at):
            named = {**_named(item), "reference": reference}
            return {"kind": "incoming", **named, "units": units, "expected_at": microseconds(expected_at)}
        case Bundle(sku, components):
            return {"kind": "bundle", "sku": sku, "components": [(each.sku, each.quantity) for each in components]}


def terms_of(sku: str, told: Sequence[object]) -> Terms:
    """The terms that `inventory_terms` tells."""
    safety, sku_class, allowances, incoming, components = told
    terms = Terms()
    for name, units in _pairs(safety):
        channel, location, named = name.split("|")
        terms = terms.having(SafetyStock(channel, location, named, int(units)))
    if sku_class:
        terms = terms.having(SkuClass(sku, _text(sku_class)))
    for location, packed in _pairs(allowances):
        terms = terms.having(Allowance(Item(sku, location), *map(int, packed.split(":"))))
    for name, packed in _pairs(incoming):
        location, reference = name.split("|", 1)
        expected_at, units = packed.split(":")
        terms = terms.having(Incoming(Item(sku, location), reference, int(units), moment(int(expected_at))))
    if isinstance(components, bytes) and components:
        found = msgspec.msgpack.decode(components, type=list[tuple[str, int]])
        terms = terms.having(Bundle(sku, tuple(Component(*each) for each in found)))
    return terms


def _named(item: Item) -> dict[str, str]:
    return {"sku": item.sku, "location": item.location}


def _pairs(flat: object) -> Iterator[tuple[str, str]]:
    texts = [_text(each) for each in flat] if isinstance(flat, list) else []
    return zip(texts[::2], texts[1::2], strict=True)


def _text(told: object) -> str:
    return told.decode() if isinstance(told, bytes) else str(told)
