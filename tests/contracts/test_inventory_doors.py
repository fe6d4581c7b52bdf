"""REST and gRPC of inventory say the same: the same answers, the same reasons, the same fields."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from inventory.journal import Item
from inventory.requests import ADJUSTMENTS_MAX, LINES_MAX, SKUS_MAX
from inventory.scopes import AVAILABILITY_READ
from inventory.stock import UNITS_MAX
from inventory.store import BALANCES_MAX
from inventory_builders import BREAD, SOAP, stocked
from inventory_doors import Answer, Body, Door, Doors, both_doors
from inventory_refused import REFUSALS
from inventory_scenarios import ANSWERS, MORE_SOAP, SOAP_LINE, TERMS, Scenario
from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere_kit import grpc_server
from shopsphere_kit.settings import HttpSettings


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    async with both_doors(tmp_path) as opened:
        await stocked(opened.store, 10)
        await stocked(opened.store, 4, BREAD)
        yield opened


@pytest.mark.parametrize("scenario", ANSWERS.values(), ids=ANSWERS)
async def test_both_doors_give_the_same_answer(scenario: Scenario, tmp_path: Path) -> None:
    said = []
    for name in ("rest", "grpc"):
        folder = tmp_path / name
        folder.mkdir()
        async with both_doors(folder) as doors:
            await stocked(doors.store, 10)
            await stocked(doors.store, 4, BREAD)
            await stocked(doors.store, 5, Item("P1", "S2"))
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
    adjustments = [{**line, "operation": "set", "if_version": 2**53, "if_quantity": -(2**53)} for line in lines]
    assert len(json.dumps({"adjustments": adjustments[:ADJUSTMENTS_MAX]})) < bound
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
        await door.extend("k", "R1", 60),
        await door.transfer("k", "R1", "S2"),
        await door.confirm("k", "R1"),
        await door.release("k", "R1"),
        await door.adjust("k", [MORE_SOAP]),
        await door.ledger("P1"),
        await door.set_terms("k", TERMS),
        await door.terms(),
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
