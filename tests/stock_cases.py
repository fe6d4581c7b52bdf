"""The one rule of stock, as cases that the Redis functions, their model, the lake and the report all pass.

VALID: the record decodes as a StockMovement; sku and location match `[A-Za-z0-9._-]{1,64}`; |quantity| is at most
1,000,000,000; sale ≤ 0, return ≥ 0, receipt ≥ 0, count ≥ 0; the year of occurred_at in UTC is 1970 to 2199; source and
event_id have 1 to 128 characters; bucket is absent, null, on_hand, damaged or quality_control.

FOLD, per sku, location and bucket (on_hand when a record names none), over the first valid record of each event_id: the
base is the count with the latest occurred_at (the lowest of several at that instant; without a count it is 0 and has no
instant). On hand is the base plus the quantities of all movements that are no counts and have occurred_at at or after
the base's instant.
"""

from dataclasses import dataclass
from itertools import count, permutations

Json = dict[str, object]
_numbers = count(1)
SOAP_S1, SOAP_S2, BREAD_S1 = ("P1", "S1"), ("P1", "S2"), ("P2", "S1")


@dataclass(frozen=True)
class StockCase:
    """JSON movements in order of arrival; what is on hand afterwards, and the event ids of the records refused."""

    name: str
    movements: tuple[Json, ...]
    on_hand: dict[tuple[str, str], int]
    rejected: tuple[str, ...] = ()


def moved(kind: str, quantity: object, at: str = "10:00:00", key: tuple[str, str] = SOAP_S1, **changes: object) -> Json:
    """A movement on 2017-03-01 at a time of day; any field may be replaced."""
    return {
        "event_id": f"case-{next(_numbers)}",
        "type": kind,
        "occurred_at": f"2017-03-01T{at}Z",
        "source": "till",
        "sequence": None,
        "sku": key[0],
        "location": key[1],
        "quantity": quantity,
        "order_id": None,
        **changes,
    }


def without(movement: Json, field: str) -> Json:
    """The movement, lacking one field."""
    return {name: value for name, value in movement.items() if name != field}


def _counted_day() -> tuple[Json, ...]:
    return (
        moved("count", 20, "08:00:00"),
        moved("sale", -3, "09:00:00"),
        moved("count", 15, "12:00:00"),
        moved("sale", -2, "13:00:00"),
    )


_TWICE = moved("receipt", 10)
_FIRST = moved("receipt", 10, event_id="case-first-wins")
_REFUSED_FIRST = moved("sale", 4, event_id="case-refused-first")
_TRANSFER_OUT, _TRANSFER_IN = moved("transfer", -4, "11:00:00"), moved("transfer", 4, "11:00:00", SOAP_S2)

FOLD_CASES = (
    StockCase("nothing", (), {}),
    StockCase(
        "an opening count, then sales",
        (moved("count", 20, "08:00:00"), moved("sale", -3, "09:00:00"), moved("sale", -1, "10:00:00")),
        {SOAP_S1: 16},
    ),
    StockCase("sales without any count fall below zero", (moved("sale", -3), moved("sale", 0)), {SOAP_S1: -3}),
    StockCase(
        "every kind that is no count adds its quantity",
        (
            moved("receipt", 50),
            moved("sale", -7),
            moved("return", 2),
            moved("adjustment", -5),
            moved("adjustment", 1),
            moved("transfer", -10),
            moved("transfer", 3),
        ),
        {SOAP_S1: 34},
    ),
    StockCase("the same record twice counts once", (_TWICE, _TWICE, moved("sale", -1), _TWICE), {SOAP_S1: 9}),
    StockCase(
        "one event id with other contents counts as the first of them",
        (_FIRST, {**_FIRST, "quantity": 99}, {**_FIRST, "sku": "P2"}),
        {SOAP_S1: 10},
    ),
    StockCase(
        "one event id at two places counts at the first",
        (moved("receipt", 3, event_id="case-two-places"), moved("receipt", 3, key=SOAP_S2, event_id="case-two-places")),
        {SOAP_S1: 3},
    ),
    StockCase(
        "a refused record does not use up its event id",
        (_REFUSED_FIRST, {**_REFUSED_FIRST, "quantity": -4}),
        {SOAP_S1: -4},
        ("case-refused-first",),
    ),
    *(
        StockCase(f"a counted day arriving as {order}", tuple(_counted_day()[index] for index in order), {SOAP_S1: 13})
        for order in permutations(range(4))
    ),
    StockCase(
        "a late count is topped up with what came after it",
        (moved("sale", -2, "11:00:00"), moved("sale", -9, "09:00:00"), moved("count", 8)),
        {SOAP_S1: 6},
    ),
    StockCase(
        "a count older than the last one changes nothing",
        (moved("count", 8), moved("count", 50, "09:00:00"), moved("receipt", 5, "09:30:00")),
        {SOAP_S1: 8},
    ),
    StockCase("of two counts of one instant the lower stands", (moved("count", 8), moved("count", 5)), {SOAP_S1: 5}),
    StockCase(
        "of two counts of one instant the lower stands, whichever came first",
        (moved("count", 5), moved("sale", -1, "11:00:00"), moved("count", 8)),
        {SOAP_S1: 4},
    ),
    StockCase(
        "a movement at the instant of a count comes after it",
        (moved("count", 8), moved("sale", -3)),
        {SOAP_S1: 5},
    ),
    StockCase(
        "a movement at the instant of a count comes after it, even when it arrived before",
        (moved("sale", -3), moved("count", 8)),
        {SOAP_S1: 5},
    ),
    StockCase(
        "one microsecond before the count is before it",
        (moved("count", 8), moved("sale", -3, "09:59:59.999999")),
        {SOAP_S1: 8},
    ),
    StockCase(
        "a movement before the count that arrives after it is covered by it",
        (moved("count", 8), moved("sale", -2, "09:00:00")),
        {SOAP_S1: 8},
    ),
    StockCase(
        "the same moment in another zone is the same moment",
        (moved("count", 8), moved("sale", -3, occurred_at="2017-03-01T11:30:00+02:00")),
        {SOAP_S1: 8},
    ),
    StockCase(
        "a transfer leaves one location and reaches the other",
        (
            moved("count", 10, "08:00:00"),
            moved("count", 1, "08:00:00", SOAP_S2),
            _TRANSFER_OUT,
            _TRANSFER_IN,
            _TRANSFER_IN,
        ),
        {SOAP_S1: 6, SOAP_S2: 5},
    ),
    StockCase(
        "skus and locations are counted apart",
        (moved("count", 8), moved("receipt", 1, key=SOAP_S2), moved("receipt", 2, key=BREAD_S1)),
        {SOAP_S1: 8, SOAP_S2: 1, BREAD_S1: 2},
    ),
    StockCase(
        "what is set aside is no part of what is on hand",
        (moved("receipt", 5), moved("adjustment", -2), moved("adjustment", 2, bucket="damaged")),
        {SOAP_S1: 3},
    ),
    StockCase(
        "each bucket is counted apart",
        (
            moved("count", 7, "12:00:00", bucket="quality_control"),
            moved("receipt", 5, "11:00:00", bucket="on_hand"),
            moved("sale", -1, bucket=None),
        ),
        {SOAP_S1: 4},
    ),
    StockCase("a count of nothing", (moved("receipt", 5, "09:00:00"), moved("count", 0)), {SOAP_S1: 0}),
)


def _refused(name: str, movement: Json) -> StockCase:
    """The record is refused and a receipt beside it is not."""
    return StockCase(name, (movement, moved("receipt", 1)), {SOAP_S1: 1}, (str(movement["event_id"]),))


def _taken(name: str, *movements: Json) -> StockCase:
    """At the very bound, so still taken; each adds its quantity to its key."""
    on_hand: dict[tuple[str, str], int] = {}
    for movement in movements:
        key = (str(movement["sku"]), str(movement["location"]))
        on_hand[key] = on_hand.get(key, 0) + int(str(movement["quantity"]))
    return StockCase(name, movements, on_hand)


VALID_CASES = (
    _refused("a sale that adds", moved("sale", 1)),
    _refused("a return that takes", moved("return", -1)),
    _refused("a receipt that takes", moved("receipt", -1)),
    _refused("a count below nothing", moved("count", -1)),
    _refused("too many units", moved("receipt", 1_000_000_001)),
    _refused("too many units taken", moved("adjustment", -1_000_000_001)),
    _refused("beyond 64 bits", moved("adjustment", 2**70)),
    _refused("a bucket that there is not", moved("receipt", 1, bucket="lost")),
    _refused("a bucket that is no text", moved("receipt", 1, bucket=1)),
    _refused("half a unit", moved("adjustment", 0.5)),
    _refused("a quantity with a decimal point", moved("adjustment", 1.0)),
    _refused("a quantity as text", moved("adjustment", "1")),
    _refused("a quantity that is true", moved("adjustment", True)),
    _refused("no quantity", without(moved("adjustment", 1), "quantity")),
    _refused("a sku with an at sign", moved("receipt", 1, sku="P1@S1")),
    _refused("a sku with a blank", moved("receipt", 1, sku="P 1")),
    _refused("a sku with a line feed at its end", moved("receipt", 1, sku="P1\n")),
    _refused("a sku with a letter beyond ASCII", moved("receipt", 1, sku="Pé")),
    _refused("an empty sku", moved("receipt", 1, sku="")),
    _refused("a sku too long", moved("receipt", 1, sku="P" * 65)),
    _refused("no sku", without(moved("receipt", 1), "sku")),
    _refused("a sku that is a number", moved("receipt", 1, sku=1)),
    _refused("a location with a slash", moved("receipt", 1, location="S/1")),
    _refused("a location too long", moved("receipt", 1, location="S" * 65)),
    _refused("no location", without(moved("receipt", 1), "location")),
    _refused("no source", without(moved("receipt", 1), "source")),
    _refused("an empty source", moved("receipt", 1, source="")),
    _refused("a source too long", moved("receipt", 1, source="s" * 129)),
    _refused("an event id too long", moved("receipt", 1, event_id="e" * 129)),
    _refused("half a sequence", moved("receipt", 1, sequence=1.5)),
    _refused("an order id that is a number", moved("receipt", 1, order_id=17)),
    _refused("no type", without(moved("receipt", 1), "type")),
    _refused("a type that nobody knows", moved("theft", -1)),
    _refused("the year 1969", moved("receipt", 1, occurred_at="1969-12-31T23:59:59.999999Z")),
    _refused("the year 1969 in UTC", moved("receipt", 1, occurred_at="1970-01-01T00:30:00+01:00")),
    _refused("the year 2200", moved("receipt", 1, occurred_at="2200-01-01T00:00:00Z")),
    _refused("a time without a zone", moved("receipt", 1, occurred_at="2017-03-01T10:00:00")),
    _refused("no time", moved("receipt", 1, occurred_at="yesterday")),
    _taken("the earliest moment", moved("receipt", 1, occurred_at="1970-01-01T00:00:00Z")),
    _taken("the latest moment", moved("receipt", 1, occurred_at="2199-12-31T23:59:59.999999Z")),
    _taken("the most units", moved("receipt", 1_000_000_000), moved("sale", -1_000_000_000)),
    _taken("the longest names", moved("receipt", 1, sku="P" * 64, location="S" * 64)),
    _taken("every character of a name", moved("receipt", 1, sku="-aZ.0_9", location="_.-")),
    _taken("the longest source and event id", moved("receipt", 1, source="s" * 128, event_id="e" * 128)),
    _taken("characters are counted, not bytes", moved("receipt", 1, source="é" * 128)),
    _taken("an order id of any length", moved("receipt", 1, order_id="9" * 500)),
    _taken("nothing sold", moved("sale", 0), moved("return", 0), moved("receipt", 0)),
    _taken("a field that nobody knows yet", moved("receipt", 1, till="7")),
    _taken("optional fields left out", without(without(moved("receipt", 1), "sequence"), "order_id")),
)

STOCK_CASES = (*FOLD_CASES, *VALID_CASES)
