"""What a request must be before it is decided: sizes, names, keys; what is wrong is told with its field."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

import msgspec
from shopsphere_kit.errors import InvalidArgument

from inventory.adjustments import Adjustment, ChangeBy, CountAs, MoveTo
from inventory.changes import Wanted
from inventory.errors import IdempotencyKeyMissing, ReservationUnknown
from inventory.holds import Line
from inventory.journal import NAME, Item
from inventory.stock import UNITS_MAX
from inventory.store import Once, View
from inventory.terms import ANY, Allowance, Bundle, Incoming, SafetyStock, SkuClass, Term

# A basket of a thousand lines is one function call of a few milliseconds; more would hold up the others.
LINES_MAX = 1000
SKUS_MAX = 1000
EXPIRES_IN_SECONDS_MAX = 31 * 24 * 3600
# Longer than any UUID or ULID, short enough to keep.
IDEMPOTENCY_KEY_LENGTH_MAX = 255
ADJUSTMENTS_MAX = 1000
TERMS_MAX = 1000
# So that a line of the largest quantity stays an exact integer when it is expanded (2^53 / 10^9 units, and a margin).
COMPONENTS_MAX, COMPONENT_UNITS_MAX = 100, 1000
# Of each shelf, in one answer.
ENTRIES_DEFAULT, ENTRIES_MAX = 20, 1000
# Times are microseconds since 1970 for the functions.
EARLIEST_YEAR = 1970


def once(client_id: str, key: str, *request: object) -> Once:
    """The slot of the client's key and the fingerprint of its request; raises IdempotencyKeyMissing."""
    if not key:
        raise IdempotencyKeyMissing(
            "send an Idempotency-Key, a new one for each request that is not a retry", field="idempotency_key"
        )
    if len(key) > IDEMPOTENCY_KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise IdempotencyKeyMissing(
            f"the Idempotency-Key must be 1 to {IDEMPOTENCY_KEY_LENGTH_MAX} printable ASCII characters",
            field="idempotency_key",
        )
    return Once(_digest([client_id, key]), _digest(list(request)))


def duration(expires_in_seconds: int) -> timedelta:
    """How long a hold is to stand; raises InvalidArgument."""
    if not 1 <= expires_in_seconds <= EXPIRES_IN_SECONDS_MAX:
        raise InvalidArgument(f"expires_in_seconds must be 1 to {EXPIRES_IN_SECONDS_MAX}", field="expires_in_seconds")
    return timedelta(seconds=expires_in_seconds)


def _digest(value: list[object] | list[str]) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()


def plain(lines: Sequence[Line]) -> list[list[str | int]]:
    """Lines as plain values, for a fingerprint."""
    return [[line.item.sku, line.item.location, line.quantity] for line in lines]


def check_lines(lines: Sequence[Line]) -> None:
    """Raise InvalidArgument for the first line that is none."""
    check_count(lines, LINES_MAX, "lines")
    totals: dict[Item, int] = {}
    for position, line in enumerate(lines):
        check_name(line.item.sku, f"lines.{position}.sku")
        check_name(line.item.location, f"lines.{position}.location")
        totals[line.item] = totals.get(line.item, 0) + line.quantity
        if not 1 <= line.quantity <= UNITS_MAX or totals[line.item] > UNITS_MAX:
            raise InvalidArgument(f"a quantity must be 1 to {UNITS_MAX}", field=f"lines.{position}.quantity")


def check_count(values: Sequence[object], most: int, field: str) -> None:
    """Raise InvalidArgument unless there is one value at least, and not too many."""
    if not 1 <= len(values) <= most:
        raise InvalidArgument(f"send 1 to {most} {field}, not {len(values)}", field=field)


def check_reservation_id(reservation_id: str) -> None:
    """Raise ReservationUnknown for what cannot be an id."""
    if not NAME.fullmatch(reservation_id):
        raise ReservationUnknown("no reservation has such an id", field="reservation_id")


def check_name(value: str, field: str) -> None:
    """Raise InvalidArgument for what is no sku or location."""
    if not NAME.fullmatch(value):
        raise InvalidArgument(f"{field} must be 1 to 64 letters, digits, dots, underscores or hyphens", field=field)


def wanted(skus: Sequence[str], location: str) -> Wanted:
    """Which changes a follower asks for; raises InvalidArgument."""
    if skus:
        check_count(skus, SKUS_MAX, "skus")
    for position, sku in enumerate(skus):
        check_name(sku, f"skus.{position}")
    if location:
        check_name(location, "location")
    return Wanted(frozenset(skus), location or None)


def plain_adjustments(adjustments: Sequence[Adjustment]) -> list[list[object]]:
    """Adjustments as plain values, for a fingerprint."""
    return [[type(each).__name__, asdict(each)] for each in adjustments]


def plain_terms(terms: Sequence[Term]) -> list[list[object]]:
    """Terms as plain values, for a fingerprint."""
    return [[type(each).__name__, asdict(each)] for each in terms]


def check_view(view: View) -> None:
    """Raise InvalidArgument for a location, channel or time that is none."""
    if view.location:
        check_name(view.location, "location")
    if view.channel:
        check_name(view.channel, "channel")
    if view.until and view.until.year < EARLIEST_YEAR:
        raise InvalidArgument(f"date must not be before {EARLIEST_YEAR}", field="date")


def check_terms(terms: Sequence[Term]) -> None:
    """Raise InvalidArgument for the first term that is none."""
    check_count(terms, TERMS_MAX, "terms")
    for position, each in enumerate(terms):
        field = f"terms.{position}"
        for name, value in _names_of(each).items():
            check_name(value, f"{field}.{name}")
        for name, units in _units_of(each).items():
            if not 0 <= units <= UNITS_MAX:
                raise InvalidArgument(f"must be 0 to {UNITS_MAX}", field=f"{field}.{name}")
        if isinstance(each, Incoming) and each.expected_at.year < EARLIEST_YEAR:
            raise InvalidArgument(f"must not be before {EARLIEST_YEAR}", field=f"{field}.expected_at")
        if isinstance(each, Bundle):
            _check_components(each, f"{field}.components")


def _check_components(bundle: Bundle, field: str) -> None:
    if len(bundle.components) > COMPONENTS_MAX:
        raise InvalidArgument(f"a bundle has at most {COMPONENTS_MAX} components", field=field)
    seen = {bundle.sku}
    for number, component in enumerate(bundle.components):
        check_name(component.sku, f"{field}.{number}.sku")
        if component.sku in seen:
            raise InvalidArgument("a component stands once, and is not the bundle", field=f"{field}.{number}.sku")
        seen.add(component.sku)
        if not 1 <= component.quantity <= COMPONENT_UNITS_MAX:
            raise InvalidArgument(f"must be 1 to {COMPONENT_UNITS_MAX}", field=f"{field}.{number}.quantity")


def _names_of(term: Term) -> dict[str, str]:
    match term:
        case SafetyStock(channel, location, sku_class):
            named = {"channel": channel, "location": location, "class": sku_class}
        case SkuClass(sku, name):
            named = {"sku": sku, "class": name or ANY}
        case Allowance(item):
            named = {"sku": item.sku, "location": item.location}
        case Incoming(item, reference):
            named = {"sku": item.sku, "location": item.location, "reference": reference}
        case Bundle(sku):
            named = {"sku": sku}
    return {name: value for name, value in named.items() if value != ANY}


def _units_of(term: Term) -> dict[str, int]:
    match term:
        case SafetyStock(units=units) | Incoming(units=units):
            return {"units": units}
        case Allowance(backorder_quota=quota, preorder_limit=limit):
            return {"backorder_quota": quota, "preorder_limit": limit}
    return {}


def check_entries(most: int) -> None:
    """Raise InvalidArgument for a number of entries that no answer holds."""
    if not 0 <= most <= ENTRIES_MAX:
        raise InvalidArgument(f"ask for 0 to {ENTRIES_MAX} entries", field="entries")


def check_adjustments(adjustments: Sequence[Adjustment]) -> None:
    """Raise InvalidArgument for the first adjustment that is none, or names an item that another one names."""
    check_count(adjustments, ADJUSTMENTS_MAX, "adjustments")
    seen = set[Item]()
    for position, each in enumerate(adjustments):
        field = f"adjustments.{position}"
        check_name(each.item.sku, f"{field}.sku")
        check_name(each.item.location, f"{field}.location")
        _check_units(each, f"{field}.quantity")
        if isinstance(each, MoveTo) and each.target == each.item:
            raise InvalidArgument("units move to another bucket than they are in", field=f"{field}.to_bucket")
        if isinstance(each, CountAs) and each.occurred_at.year < EARLIEST_YEAR:
            raise InvalidArgument(f"occurred_at must not be before {EARLIEST_YEAR}", field=f"{field}.occurred_at")
        if seen & set(each.items):
            raise InvalidArgument("an item stands once in a batch; send the second change after it", field=field)
        seen.update(each.items)


def _check_units(adjustment: Adjustment, field: str) -> None:
    least = -UNITS_MAX if isinstance(adjustment, ChangeBy) else 1 if isinstance(adjustment, MoveTo) else 0
    if not least <= adjustment.quantity <= UNITS_MAX:
        raise InvalidArgument(f"a quantity must be {least} to {UNITS_MAX} here", field=field)
