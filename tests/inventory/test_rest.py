"""What only the REST door has: JSON's own mistakes, headers, and the schema."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from inventory_builders import stocked
from inventory_doors import RestDoor, both_doors

BASKET = {"lines": [{"sku": "P1", "location": "S1", "quantity": 2}], "expires_in_seconds": 60}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[RestDoor]:
    async with both_doors(tmp_path) as doors:
        await stocked(doors.store, 10)
        yield doors.rest


async def post(door: RestDoor, body: Any, path: str = "/v1/reservations", key: str = "basket") -> Any:
    headers = {"Authorization": f"Bearer {door.token}", "Idempotency-Key": key, "Content-Type": "application/json"}
    return await door.client.post(path, content=json.dumps(body), headers=headers)


async def test_a_new_reservation_has_an_address(door: RestDoor) -> None:
    response = await post(door, BASKET)
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v1/reservations/{response.json()['reservation_id']}"


async def test_a_replay_is_marked_and_otherwise_the_same(door: RestDoor) -> None:
    first, again = await post(door, BASKET), await post(door, BASKET)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (first.status_code, first.content) == (again.status_code, again.content)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lines": BASKET["lines"]}, "expires_in_seconds"),
        ({**BASKET, "expires_in_seconds": "60"}, "expires_in_seconds"),
        ({**BASKET, "expires_in_seconds": 2**80}, "expires_in_seconds"),
        ({**BASKET, "note": "quick"}, "note"),
        ({**BASKET, "lines": [{"sku": "P1", "location": "S1", "quantity": 1.5}]}, "lines.0.quantity"),
        ({**BASKET, "lines": [{"sku": "P1", "location": "S1", "quantity": True}]}, "lines.0.quantity"),
        ({**BASKET, "lines": [{"sku": "\ud800", "location": "S1", "quantity": 1}]}, "lines.0.sku"),
        ([], "body"),
    ],
)
async def test_a_wrong_body_names_its_field(door: RestDoor, body: Any, field: str) -> None:
    response = await post(door, body)
    assert (response.status_code, response.json()["field"]) == (400, field)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/reservations", {**BASKET, "lines": [{"sku": "P1", "location": "S1", "quantity": 11}]}, 422),
        ("/v1/reservations", {**BASKET, "lines": [{"sku": "P9", "location": "S1", "quantity": 1}]}, 404),
        ("/v1/reservations/R9:confirm", None, 404),
    ],
)
async def test_refusals_have_their_status(door: RestDoor, path: str, body: Any, status: int) -> None:
    assert (await post(door, body, path)).status_code == status


async def test_a_body_nested_deeper_than_the_stack_is_refused(door: RestDoor) -> None:
    headers = {"Authorization": f"Bearer {door.token}", "Idempotency-Key": "deep", "Content-Type": "application/json"}
    body = '{"lines": ' + "[" * 200_000 + "]" * 200_000 + "}"
    response = await door.client.post("/v1/reservations", content=body, headers=headers)
    assert response.status_code == 400


async def test_a_state_that_is_not_the_one_known_is_a_503_that_says_when_to_try_again(tmp_path: Path) -> None:
    async with both_doors(tmp_path) as doors:
        doors.store.fence.lose_data_set()
        response = await post(doors.rest, BASKET)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert "restart" in response.json()["detail"]


async def test_another_body_under_a_key_is_a_conflict(door: RestDoor) -> None:
    await post(door, BASKET)
    assert (await post(door, {**BASKET, "expires_in_seconds": 61})).status_code == 409


async def test_the_schema_lists_every_call(door: RestDoor) -> None:
    schema = (await door.client.get("/openapi.json")).json()
    assert sorted(schema["paths"]) == [
        "/v1/adjustments:batch",
        "/v1/availability/{sku}",
        "/v1/availability:batchGet",
        "/v1/changes",
        "/v1/ledger/{sku}",
        "/v1/reservations",
        "/v1/reservations/{reservation_id}",
        "/v1/reservations/{reservation_id}:confirm",
        "/v1/reservations/{reservation_id}:extend",
        "/v1/reservations/{reservation_id}:release",
        "/v1/reservations/{reservation_id}:transfer",
        "/v1/terms",
        "/v1/terms:batch",
    ]
