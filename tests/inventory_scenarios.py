"""What the doors of inventory are asked, and the calls that they answer."""

from collections.abc import Awaitable, Callable

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
WEB_KEEPS_TWO: Body = {"kind": "safety_stock", "channel": "web", "location": "*", "sku_class": "soap", "units": 2}
SOAP_CLASS: Body = {"kind": "sku_class", "sku": "P1", "sku_class": "soap"}
BACKORDER: Body = {"kind": "allowance", "sku": "P1", "location": "S1", "backorder_quota": 3, "preorder_limit": 5}
COMING: Body = {
    "kind": "incoming",
    "sku": "P1",
    "location": "S1",
    "reference": "PO1",
    "units": 4,
    "expected_at": "2026-03-05T08:00:00Z",
}
GIFT: Body = {
    "kind": "bundle",
    "sku": "GIFT",
    "components": [{"sku": "P1", "quantity": 2}, {"sku": "P2", "quantity": 1}],
}
TERMS = [WEB_KEEPS_TWO, SOAP_CLASS, BACKORDER, COMING, GIFT]
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


async def agreed(door: Door, call: Callable[[], Awaitable[Answer]]) -> Answer:
    assert (await door.set_terms("terms", TERMS)).body
    return await call()


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
    "terms": lambda door: door.set_terms("k", TERMS),
    "terms replayed": lambda door: agreed(door, lambda: door.set_terms("terms", TERMS)),
    "terms of a sku": lambda door: agreed(door, lambda: door.terms("P1")),
    "terms of a bundle": lambda door: agreed(door, lambda: door.terms("GIFT")),
    "terms of all skus": lambda door: agreed(door, door.terms),
    "availability in a channel": lambda door: agreed(door, lambda: door.availability("P1", channel="web")),
    "availability before what is incoming": lambda door: agreed(
        door, lambda: door.availability("P1", date="2026-03-04")
    ),
    "availability with what is incoming": lambda door: agreed(
        door, lambda: door.batch_availability(["P1"], "S1", date="2026-03-05", channel="web")
    ),
    "a reservation in a channel": lambda door: agreed(door, lambda: door.reserve("k", [SOAP_LINE], channel="web")),
    "availability of a bundle": lambda door: agreed(door, lambda: door.availability("GIFT")),
    "a reserved bundle": lambda door: agreed(
        door, lambda: door.reserve("k", [{"sku": "GIFT", "location": "S1", "quantity": 2}])
    ),
    "a ledger": lambda door: adjusted(door, [NEWCOMER], door.ledger("P7")),
    "a ledger without entries": lambda door: door.ledger("P1", entries=0),
    "a ledger of long ago": lambda door: door.ledger("P1", "2020-01-01T00:00:00Z"),
    "a replayed reservation": lambda door: reserve_twice(door, SOAP_LINE),
}
