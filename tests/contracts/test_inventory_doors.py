"""REST and gRPC of inventory say the same: the same answers, the same reasons, the same fields."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from inventory.application import LINES_MAX, SKUS_MAX
from inventory.journal import Item
from inventory.scopes import AVAILABILITY_READ
from inventory.stock import UNITS_MAX
from inventory.store import BALANCES_MAX
from inventory_builders import BREAD, SOAP, stocked
from inventory_doors import Answer, Body, Door, Doors, both_doors
from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere_kit import grpc_server
from shopsphere_kit.settings import HttpSettings

SOAP_LINE: Body = {"sku": "P1", "location": "S1", "quantity": 2}
Scenario = Callable[[Door], Awaitable[Answer]]


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    async with both_doors(tmp_path) as opened:
        await stocked(opened.store, 10)
        await stocked(opened.store, 4, BREAD)
        yield opened


async def reserve_then(door: Door, end: str, times: int = 1) -> Answer:
    reserved = await door.reserve("basket", [SOAP_LINE])
    assert reserved.body is not None
    call = door.confirm if end == "confirm" else door.release
    for time in range(times - 1):
        await call(f"end-{time}", reserved.body["reservation_id"])
    return await call("end", reserved.body["reservation_id"])


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
    "no such reservation": (lambda door: door.reservation("R404"), "reservation_unknown", "reservation_id"),
    "no such reservation id": (lambda door: door.reservation("R*"), "reservation_unknown", "reservation_id"),
    "nothing to confirm": (lambda door: door.confirm("k", "R404"), "reservation_unknown", "reservation_id"),
    "ended twice": (lambda door: reserve_then(door, "confirm", 2), "reservation_not_held", "reservation_id"),
}


@pytest.mark.parametrize("scenario", ANSWERS.values(), ids=ANSWERS)
async def test_both_doors_give_the_same_answer(scenario: Scenario, tmp_path: Path) -> None:
    said = []
    for name in ("rest", "grpc"):
        folder = tmp_path / name
        folder.mkdir()
        async with both_doors(folder) as doors:
            await stocked(doors.store, 10)
            await stocked(doors.store, 4, BREAD)
            said.append(await scenario(getattr(doors, name)))
    assert said[0].reason is None
    assert said[0] == said[1]


@pytest.mark.parametrize("door_name", ["rest", "grpc"])
@pytest.mark.parametrize(("scenario", "reason", "field"), REFUSALS.values(), ids=REFUSALS)
async def test_both_doors_refuse_for_the_same_reason(
    doors: Doors, door_name: str, scenario: Scenario, reason: str, field: str | None
) -> None:
    assert await scenario(getattr(doors, door_name)) == Answer(reason=reason, field=field)


@pytest.mark.parametrize("door_name", ["rest", "grpc"])
async def test_an_answer_that_would_be_too_large_is_refused_by_both_doors(door_name: str, tmp_path: Path) -> None:
    async with both_doors(tmp_path, balances_max=2) as doors:
        for item in (SOAP, BREAD, Item("P1", "S2")):
            await stocked(doors.store, 10, item)
        door: Door = getattr(doors, door_name)
        refused = await door.batch_availability(["P1", "P2"])
        assert refused == Answer(reason="answer_too_large", field="skus")
        assert (await door.batch_availability(["P1", "P2"], "S1")).body
        assert (await door.batch_availability(["P1"])).body


def test_the_largest_answer_fits_what_grpc_sends() -> None:
    location = pb.LocationAvailability(
        location="S" * 64, on_hand=-1, reserved=2**63 - 1, available_to_promise=2**63 - 1, version=2**63 - 1
    )
    sku = pb.Availability(sku="P" * 64, on_hand=-1, reserved=2**63 - 1, version=2**63 - 1, locations=[location] * 100)
    largest = pb.BatchGetAvailabilityResponse(availabilities=[sku] * SKUS_MAX)
    assert SKUS_MAX * 100 >= BALANCES_MAX
    assert largest.ByteSize() < grpc_server.ANSWER_BYTES_MAX


def test_the_largest_batch_fits_the_requests_of_both_doors() -> None:
    skus = ["P" * 64] * SKUS_MAX
    lines: list[Body] = [{"sku": "P" * 64, "location": "S" * 64, "quantity": UNITS_MAX}] * LINES_MAX
    bound = min(HttpSettings().max_body_bytes, grpc_server.REQUEST_BYTES_MAX)
    assert len(json.dumps({"skus": skus, "location": "S" * 64})) < bound
    assert len(json.dumps({"lines": lines, "expires_in_seconds": 1})) < bound
    assert pb.BatchGetAvailabilityRequest(skus=skus).ByteSize() < bound
    assert pb.CreateReservationRequest(lines=[pb.ReservationLine(**line) for line in lines]).ByteSize() < bound


@pytest.mark.parametrize("door_name", ["rest", "grpc"])
async def test_a_hold_that_expired_says_so(doors: Doors, door_name: str) -> None:
    door: Door = getattr(doors, door_name)
    reserved = (await door.reserve("basket", [SOAP_LINE], 60)).body
    assert reserved is not None
    doors.clock.advance(timedelta(seconds=60))
    read = (await door.reservation(reserved["reservation_id"])).body
    assert read is not None
    assert (read["state"], read["version"], read["ended_at"]) == ("expired", 2, reserved["expires_at"])


@pytest.mark.parametrize("door_name", ["rest", "grpc"])
async def test_each_call_needs_its_scope(doors: Doors, door_name: str) -> None:
    door: Door = getattr(doors, door_name)
    door.token = doors.token(AVAILABILITY_READ)
    assert (await door.availability("P1")).body
    for refused in (
        await door.reserve("k", [SOAP_LINE]),
        await door.reservation("R1"),
        await door.confirm("k", "R1"),
        await door.release("k", "R1"),
    ):
        assert refused.reason == "permission_denied"


@pytest.mark.parametrize("door_name", ["rest", "grpc"])
async def test_nobody_calls_without_a_token(doors: Doors, door_name: str) -> None:
    door: Door = getattr(doors, door_name)
    door.token = ""
    assert (await door.availability("P1")).reason == "token_missing"


@pytest.mark.parametrize("door_name", ["rest", "grpc"])
async def test_every_answer_tells_the_data_set_it_is_of(doors: Doors, door_name: str) -> None:
    door: Door = getattr(doors, door_name)
    reserved = await door.reserve("basket", [SOAP_LINE])
    for answer in (await door.availability("P1"), await door.batch_availability(["P1", "P2"]), reserved):
        assert answer.body is not None
        assert answer.body["epoch"] == doors.store.fence.epoch


@pytest.mark.parametrize("door_name", ["rest", "grpc"])
async def test_nothing_is_answered_from_a_data_set_that_was_emptied(doors: Doors, door_name: str) -> None:
    door: Door = getattr(doors, door_name)
    await door.reserve("basket", [SOAP_LINE])
    doors.store.fence.lose_data_set()
    for refused in (
        await door.availability("P1"),
        await door.batch_availability(["P1"]),
        await door.reserve("basket", [SOAP_LINE]),
        await door.reservation("R1"),
        await door.confirm("paid", "R1"),
        await door.release("left", "R1"),
    ):
        assert refused == Answer(reason="epoch_mismatch")


async def test_a_key_answered_by_one_door_is_replayed_by_the_other(doors: Doors) -> None:
    first = await doors.rest.reserve("basket", [SOAP_LINE])
    again = await doors.grpc.reserve("basket", [SOAP_LINE])
    assert (again.body, again.is_replay) == (first.body, True)


async def test_two_clients_may_use_the_same_key(doors: Doors) -> None:
    first = await doors.rest.reserve("basket", [SOAP_LINE])
    doors.rest.token = doors.token("inventory.reservations.write", client_id="kiosk")
    other = await doors.rest.reserve("basket", [SOAP_LINE])
    assert not other.is_replay
    assert first.body != other.body


async def test_the_figures_are_those_of_the_store(doors: Doors) -> None:
    await doors.grpc.reserve("basket", [SOAP_LINE])
    answer = await doors.rest.availability(SOAP.sku)
    assert answer.body is not None
    assert {name: answer.body[name] for name in ("on_hand", "reserved", "available_to_promise", "version")} == {
        "on_hand": 10,
        "reserved": 2,
        "available_to_promise": 8,
        "version": 2,
    }
