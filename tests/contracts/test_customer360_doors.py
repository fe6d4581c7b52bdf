"""REST and gRPC of Customer 360 say the same: the same answers, the same reasons, the same fields."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from customer360_builders import DELETED, MARIA, NOAH
from customer360_doors import LOOKUP, PERSONAL, READ, Open, both_doors
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from shopsphere.customer360.v1 import customer360_pb2 as pb

RPC_CODES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
RPC_CODES |= {410: "NOT_FOUND", 409: "ABORTED", 503: "UNAVAILABLE"}


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Open]:
    async with both_doors(tmp_path) as opened:
        yield opened


@dataclass
class Call:
    """The same call for either door."""

    rpc: str
    request: Message
    path: str
    body: dict[str, Any] | None = None
    scopes: tuple[str, ...] = (READ,)
    params: dict[str, str | int] = field(default_factory=dict)


async def rest_answer(doors: Open, call: Call) -> httpx.Response:
    method = "GET" if call.body is None else "POST"
    headers = doors.headers(*call.scopes)
    return await doors.rest.request(method, call.path, params=call.params, json=call.body, headers=headers)


async def rpc_answer(doors: Open, call: Call) -> Message:
    metadata = tuple(doors.headers(*call.scopes).items())
    found: Message = await getattr(doors.stub, call.rpc)(call.request, metadata=metadata)
    return found


def get(customer_id: str, *scopes: str) -> Call:
    request = pb.GetCustomerRequest(customer_id=customer_id)
    return Call("GetCustomer", request, f"/v1/customers/{customer_id}", scopes=scopes)


def lookup(*scopes: str, **key: str) -> Call:
    return Call("LookupCustomer", pb.LookupCustomerRequest(**key), "/v1/customers:lookup", dict(key), scopes)


def timeline(customer_id: str = MARIA, **page: Any) -> Call:
    request = pb.ListTimelineRequest(customer_id=customer_id, **page)
    return Call("ListTimeline", request, f"/v1/customers/{customer_id}/timeline", params=page)


ANSWERS = {
    "a masked customer": get(MARIA, READ),
    "a customer with personal details": get(MARIA, READ, PERSONAL),
    "a customer of whom little is known": get(NOAH, READ, PERSONAL),
    "a lookup by e-mail": lookup(LOOKUP, email=" Maria@Example.com"),
    "a lookup with personal details": lookup(LOOKUP, PERSONAL, email="noah@example.com"),
    "a timeline": timeline(),
    "a page of a timeline": timeline(page_size=2),
    "an empty timeline": timeline(NOAH),
    "the release": Call("GetRelease", pb.GetReleaseRequest(), "/v1/release"),
}
REFUSALS = {
    "an unknown customer": (get("C404", READ), 404, "customer_unknown"),
    "a customer id that is none": (get("maria@example.com", READ), 404, "customer_unknown"),
    "a deleted customer": (get(DELETED, READ), 410, "customer_deleted"),
    "a token without the scope": (get(MARIA, PERSONAL), 403, "permission_denied"),
    "a lookup without its scope": (lookup(READ, email="maria@example.com"), 403, "permission_denied"),
    "a lookup of a stranger": (lookup(LOOKUP, email="stranger@example.com"), 404, "customer_unknown"),
    "a lookup by what is no address": (lookup(LOOKUP, email="maria"), 400, "contact_invalid"),
    "a lookup by what is no number": (lookup(LOOKUP, phone="call me"), 400, "contact_invalid"),
    "a lookup that finds two": (lookup(LOOKUP, phone="(206) 555-0142"), 409, "lookup_ambiguous"),
    "a lookup by nothing": (lookup(LOOKUP), 400, "lookup_needs_one_key"),
    "a timeline of nobody": (timeline("C404"), 404, "customer_unknown"),
    "too large a page": (timeline(page_size=201), 400, "invalid_argument"),
    "a forged page token": (timeline(page_token="AAAA"), 400, "page_token_invalid"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_both_doors_answer_the_same(doors: Open, name: str) -> None:
    by_rest = await rest_answer(doors, ANSWERS[name])
    by_rpc = await rpc_answer(doors, ANSWERS[name])
    assert by_rest.status_code == 200
    # Strict in both ways: a field that only REST has fails here, a field that only gRPC has makes the messages differ.
    assert ParseDict(by_rest.json(), type(by_rpc)()) == by_rpc


@pytest.mark.parametrize("name", REFUSALS)
async def test_both_doors_refuse_the_same(doors: Open, name: str) -> None:
    call, status, reason = REFUSALS[name]
    by_rest = await rest_answer(doors, call)
    assert (by_rest.status_code, by_rest.headers["content-type"]) == (status, "application/problem+json")
    assert by_rest.json()["type"] == f"urn:shopsphere:problem:{reason}"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await rpc_answer(doors, call)
    assert refused.value.code().name == RPC_CODES[status]
    trailing = dict(refused.value.trailing_metadata() or ())
    assert trailing["reason"] == reason
    assert trailing.get("field") == by_rest.json().get("field")


async def test_both_doors_ask_for_a_token(doors: Open) -> None:
    assert (await doors.rest.get(f"/v1/customers/{MARIA}")).status_code == 401
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await doors.stub.GetCustomer(pb.GetCustomerRequest(customer_id=MARIA))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_before_the_first_load_both_doors_say_when_to_come_back(tmp_path: Path) -> None:
    async with both_doors(tmp_path, loaded=False) as doors:
        by_rest = await rest_answer(doors, get(MARIA, READ))
        assert (by_rest.status_code, by_rest.headers["retry-after"]) == (503, "30")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await rpc_answer(doors, get(MARIA, READ))
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert (await doors.rest.get("/readyz")).status_code == 503
