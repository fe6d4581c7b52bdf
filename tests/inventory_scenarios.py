"""What the doors of inventory are asked: calls that are answered, and calls that are refused, with reason and field."""

from collections.abc import Awaitable, Callable

from inventory.stock import UNITS_MAX
from inventory_doors import Answer, Body, Door

ONE_SOAP: Body = {"sku": "P1", "location": "S1", "quantity": 1}
SOAP_LINE: Body = {"sku": "P1", "location": "S1", "quantity": 2}
DAMAGE: Body = {**ONE_SOAP, "operation": "move", "to_bucket": "damaged"}
SET_BREAD: Body = {"sku": "P2", "location": "S1", "operation": "set", "quantity": 3, "if_version": 1, "if_quantity": 4}
COUNTED: Body = {
    "sku": "P1",
    "location": "S9",
    "operation": "count",
    "quantity": 3,
    "occurred_at": "2026-03-01T11:00:00Z",
}
MORE_SOAP: Body = {**ONE_SOAP, "operation": "delta"}
NEWCOMER: Body = {"sku": "P7", "location": "S1", "operation": "delta", "quantity": 2, "bucket": "quality_control"}
Scenario = Callable[[Door], Awaitable[Answer]]


async def reserve_then(door: Door, end: str, times: int = 1) -> Answer:
    reserved = await door.reserve("basket", [SOAP_LINE])
    assert reserved.body is not None
    call = door.confirm if end == "confirm" else door.release
    for time in range(times - 1):
        await call(f"end-{time}", reserved.body["reservation_id"])
    return await call("end", reserved.body["reservation_id"])


async def on_reserved(door: Door, call: Callable[[str], Awaitable[Answer]]) -> Answer:
    reserved = await door.reserve("basket", [SOAP_LINE])
    assert reserved.body is not None
    return await call(reserved.body["reservation_id"])


async def adjusted(door: Door, adjustments: list[Body], then: Awaitable[Answer]) -> Answer:
    assert (await door.adjust("damage", adjustments)).body
    return await then


async def whole_then_part(door: Door) -> Answer:
    await door.reserve("k", [{**SOAP_LINE, "quantity": 99}])
    return await door.reserve("k", [{**SOAP_LINE, "quantity": 99}], allow_partial=True)


async def confirm_twice(door: Door, held: str) -> Answer:
    await door.confirm("k", held, [{**SOAP_LINE, "quantity": 1}])
    return await door.confirm("k", held)


async def reserve_twice(door: Door, second: Body) -> Answer:
    await door.reserve("basket", [SOAP_LINE])
    return await door.reserve("basket", [second])


ANSWERS: dict[str, Scenario] = {
    "availability at all locations": lambda door: door.availability("P1"),
    "availability at one location": lambda door: door.availability("P1", "S1"),
    "several skus": lambda door: door.batch_availability(["P2", "P1", "P404", "P1"]),
    "several skus at one location": lambda door: door.batch_availability(["P2"], "S9"),
    "a reservation": lambda door: door.reserve("basket", [SOAP_LINE, SOAP_LINE]),
    "a confirmed reservation": lambda door: reserve_then(door, "confirm"),
    "a released reservation": lambda door: reserve_then(door, "release"),
    "a partial reservation": lambda door: door.reserve("k", [{**SOAP_LINE, "quantity": 12}], allow_partial=True),
    "a partly confirmed reservation": lambda door: on_reserved(door, lambda held: door.confirm("k", held, [ONE_SOAP])),
    "an extended reservation": lambda door: on_reserved(door, lambda held: door.extend("k", held, 3600)),
    "a moved reservation": lambda door: on_reserved(door, lambda held: door.transfer("k", held, "S2", "S1")),
    "adjustments": lambda door: door.adjust("k", [DAMAGE, SET_BREAD, COUNTED]),
    "availability of what is partly set aside": lambda door: adjusted(door, [DAMAGE], door.availability("P1")),
    "adjustments replayed": lambda door: adjusted(door, [DAMAGE], door.adjust("damage", [DAMAGE])),
    "a ledger": lambda door: adjusted(door, [NEWCOMER], door.ledger("P7")),
    "a ledger without entries": lambda door: door.ledger("P1", entries=0),
    "a ledger of long ago": lambda door: door.ledger("P1", "2020-01-01T00:00:00Z"),
    "a replayed reservation": lambda door: reserve_twice(door, SOAP_LINE),
}

REFUSALS: dict[str, tuple[Scenario, str, str | None]] = {
    "unknown sku": (lambda door: door.availability("P404"), "sku_unknown", "sku"),
    "unknown location": (lambda door: door.availability("P1", "S9"), "location_unknown", "location"),
    "malformed sku": (lambda door: door.availability("P 1"), "invalid_argument", "sku"),
    "malformed location": (lambda door: door.availability("P1", "@"), "invalid_argument", "location"),
    "no skus": (lambda door: door.batch_availability([]), "invalid_argument", "skus"),
    "too many skus": (lambda door: door.batch_availability(["P1"] * 1001), "invalid_argument", "skus"),
    "malformed second sku": (lambda door: door.batch_availability(["P1", ""]), "invalid_argument", "skus.1"),
    "no lines": (lambda door: door.reserve("k", []), "invalid_argument", "lines"),
    "nothing of something": (
        lambda door: door.reserve("k", [{**SOAP_LINE, "quantity": 0}]),
        "invalid_argument",
        "lines.0.quantity",
    ),
    "two lines too large together": (
        lambda door: door.reserve("k", [{**SOAP_LINE, "quantity": UNITS_MAX}, SOAP_LINE]),
        "invalid_argument",
        "lines.1.quantity",
    ),
    "expired from the start": (
        lambda door: door.reserve("k", [SOAP_LINE], 0),
        "invalid_argument",
        "expires_in_seconds",
    ),
    "held for ever": (lambda door: door.reserve("k", [SOAP_LINE], 2**40), "invalid_argument", "expires_in_seconds"),
    "no key": (lambda door: door.reserve("", [SOAP_LINE]), "idempotency_key_missing", "idempotency_key"),
    "key too long": (lambda door: door.reserve("k" * 256, [SOAP_LINE]), "idempotency_key_missing", "idempotency_key"),
    "no key to confirm": (lambda door: door.confirm("", "R1"), "idempotency_key_missing", "idempotency_key"),
    "not enough": (
        lambda door: door.reserve("k", [SOAP_LINE, {**SOAP_LINE, "quantity": 9}]),
        "insufficient_stock",
        "lines",
    ),
    "a line nobody knows": (
        lambda door: door.reserve("k", [SOAP_LINE, {**SOAP_LINE, "sku": "P404"}]),
        "sku_unknown",
        "lines",
    ),
    "a line elsewhere": (
        lambda door: door.reserve("k", [{**SOAP_LINE, "location": "S9"}]),
        "location_unknown",
        "lines",
    ),
    "another request under the key": (
        lambda door: reserve_twice(door, {**SOAP_LINE, "quantity": 3}),
        "idempotency_key_reused",
        "idempotency_key",
    ),
    "a part under the key of the whole": (
        whole_then_part,
        "idempotency_key_reused",
        "idempotency_key",
    ),
    "other lines under the key of a confirmation": (
        lambda door: on_reserved(door, lambda held: confirm_twice(door, held)),
        "idempotency_key_reused",
        "idempotency_key",
    ),
    "no such reservation": (lambda door: door.reservation("R404"), "reservation_unknown", "reservation_id"),
    "no such reservation id": (lambda door: door.reservation("R*"), "reservation_unknown", "reservation_id"),
    "nothing to confirm": (lambda door: door.confirm("k", "R404"), "reservation_unknown", "reservation_id"),
    "confirm more than is held": (
        lambda door: on_reserved(door, lambda held: door.confirm("k", held, [{**SOAP_LINE, "quantity": 3}])),
        "lines_not_held",
        "lines",
    ),
    "confirm nothing of something": (
        lambda door: on_reserved(door, lambda held: door.confirm("k", held, [{**SOAP_LINE, "quantity": 0}])),
        "invalid_argument",
        "lines.0.quantity",
    ),
    "extend for ever": (
        lambda door: on_reserved(door, lambda held: door.extend("k", held, 2**40)),
        "invalid_argument",
        "expires_in_seconds",
    ),
    "extend what never was": (lambda door: door.extend("k", "R404", 60), "reservation_unknown", "reservation_id"),
    "extend without a key": (lambda door: door.extend("", "R1", 60), "idempotency_key_missing", "idempotency_key"),
    "move nowhere": (
        lambda door: on_reserved(door, lambda held: door.transfer("k", held, "@")),
        "invalid_argument",
        "to_location",
    ),
    "move from nowhere": (
        lambda door: on_reserved(door, lambda held: door.transfer("k", held, "S2", "@")),
        "invalid_argument",
        "from_location",
    ),
    "move from where nothing is held": (
        lambda door: on_reserved(door, lambda held: door.transfer("k", held, "S2", "S7")),
        "lines_not_held",
        "from_location",
    ),
    "move where the sku never was": (
        lambda door: on_reserved(door, lambda held: door.transfer("k", held, "S9")),
        "location_unknown",
        "lines",
    ),
    "move without a key": (lambda door: door.transfer("", "R1", "S2"), "idempotency_key_missing", "idempotency_key"),
    "no adjustments": (lambda door: door.adjust("k", []), "invalid_argument", "adjustments"),
    "too many adjustments": (lambda door: door.adjust("k", [MORE_SOAP] * 1001), "invalid_argument", "adjustments"),
    "an item twice": (lambda door: door.adjust("k", [MORE_SOAP, DAMAGE]), "invalid_argument", "adjustments.1"),
    "a move to where it is": (
        lambda door: door.adjust("k", [{**DAMAGE, "to_bucket": "on_hand"}]),
        "invalid_argument",
        "adjustments.0.to_bucket",
    ),
    "a negative count": (
        lambda door: door.adjust("k", [{**COUNTED, "quantity": -1}]),
        "invalid_argument",
        "adjustments.0.quantity",
    ),
    "too many units": (
        lambda door: door.adjust("k", [{**MORE_SOAP, "quantity": -UNITS_MAX - 1}]),
        "invalid_argument",
        "adjustments.0.quantity",
    ),
    "an adjustment of a malformed sku": (
        lambda door: door.adjust("k", [{**MORE_SOAP, "sku": "P 1"}]),
        "invalid_argument",
        "adjustments.0.sku",
    ),
    "a count of the last century but one": (
        lambda door: door.adjust("k", [{**COUNTED, "occurred_at": "1899-01-01T00:00:00Z"}]),
        "invalid_argument",
        "adjustments.0.occurred_at",
    ),
    "a count ahead of now": (
        lambda door: door.adjust("k", [{**COUNTED, "occurred_at": "2199-01-01T00:00:00Z"}]),
        "count_ahead",
        "adjustments",
    ),
    "a move of more than there is": (
        lambda door: door.adjust("k", [{**DAMAGE, "quantity": 11}]),
        "insufficient_stock",
        "lines",
    ),
    "a change of what has changed": (
        lambda door: door.adjust("k", [MORE_SOAP, {**SET_BREAD, "if_version": 7}]),
        "stock_changed",
        "adjustments",
    ),
    "adjustments without a key": (
        lambda door: door.adjust("", [MORE_SOAP]),
        "idempotency_key_missing",
        "idempotency_key",
    ),
    "a ledger of an unknown sku": (lambda door: door.ledger("P404"), "sku_unknown", "sku"),
    "a ledger of a malformed sku": (lambda door: door.ledger("P@"), "invalid_argument", "sku"),
    "too many entries": (lambda door: door.ledger("P1", entries=1001), "invalid_argument", "entries"),
    "ended twice": (lambda door: reserve_then(door, "confirm", 2), "reservation_not_held", "reservation_id"),
}
