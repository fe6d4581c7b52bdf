"""REST and gRPC of fraud say the same: every scenario is asked through both."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import grpc
import httpx
import pytest
from fraud import rest, rpc
from fraud.breaker import Breaker
from fraud.checkout import Checkout, ModelSlot, Served
from fraud.scoring import score_bits
from fraud.store import InMemoryVelocityStore
from fraud_builders import NOON, POLICY, a_model
from google.protobuf.timestamp_pb2 import Timestamp
from shopsphere.fraud.v1 import fraud_pb2, fraud_pb2_grpc
from shopsphere_kit import http
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.grpc_server import create_server
from shopsphere_kit.health import Readiness

SCORE, MODEL = "fraud.score.write", "fraud.model.read"
ORDER: dict[str, Any] = {
    "order_id": "1001",
    "user_id": "7",
    "store_id": 3,
    "card_token": "card-1",
    "amount": "300.50",
    "currency": "USD",
    "units": 4,
    "line_count": 2,
    "ordered_at": NOON,
}


@dataclass(frozen=True)
class Said:
    """What a door said: an answer, or a refusal by its reason and field."""

    answer: dict[str, Any] | None = None
    reason: str | None = None
    field: str | None = None


class Door(Protocol):
    async def score(self, order: dict[str, Any], key: str | None = "key-1", token: str | None = None) -> Said: ...

    async def model(self, token: str | None = None) -> Said: ...


class RestDoor:
    """Asks with HTTP."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client, self._token = client, token

    async def score(self, order: dict[str, Any], key: str | None = "key-1", token: str | None = None) -> Said:
        body = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in order.items()}
        headers = self._headers(token) | ({"Idempotency-Key": key} if key else {})
        said = self._said(await self._client.post("/v1/score", json=body, headers=headers))
        if said.answer:
            said.answer["decided_at"] = datetime.fromisoformat(said.answer["decided_at"])
        return said

    async def model(self, token: str | None = None) -> Said:
        return self._said(await self._client.get("/v1/model", headers=self._headers(token)))

    def _headers(self, token: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token if token is None else token}"}

    @staticmethod
    def _said(response: httpx.Response) -> Said:
        body = response.json()
        if response.status_code == httpx.codes.OK:
            return Said(body)
        assert response.headers["content-type"] == http.PROBLEM_JSON
        return Said(None, body["type"].removeprefix(http.PROBLEM_BASE), body.get("field"))


class GrpcDoor:
    """Asks with gRPC."""

    def __init__(self, stub: fraud_pb2_grpc.FraudServiceStub, token: str) -> None:
        self._stub, self._token = stub, token

    async def score(self, order: dict[str, Any], key: str | None = "key-1", token: str | None = None) -> Said:
        ordered_at = Timestamp()
        ordered_at.FromDatetime(order["ordered_at"])
        request = fraud_pb2.ScoreRequest(**order | {"ordered_at": ordered_at, "idempotency_key": key or ""})
        try:
            response = await self._stub.Score(request, metadata=self._metadata(token))
        except grpc.aio.AioRpcError as error:
            return self._refused(error)
        return Said(self._answer(response))

    async def model(self, token: str | None = None) -> Said:
        try:
            response = await self._stub.GetModel(fraud_pb2.GetModelRequest(), metadata=self._metadata(token))
        except grpc.aio.AioRpcError as error:
            return self._refused(error)
        return Said(json.loads(response.card_json))

    def _metadata(self, token: str | None) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._token if token is None else token}"),)

    @staticmethod
    def _answer(response: fraud_pb2.ScoreResponse) -> dict[str, Any]:
        return {
            "order_id": response.order_id,
            "decision": fraud_pb2.Decision.Name(response.decision).removeprefix("DECISION_").lower(),
            "score": response.score if response.HasField("score") else None,
            "score_bits": response.score_bits if response.HasField("score_bits") else None,
            "reasons": list(response.reasons),
            "model_version": response.model_version,
            "decided_at": response.decided_at.ToDatetime(UTC),
        }

    @staticmethod
    def _refused(error: grpc.aio.AioRpcError) -> Said:
        trailing = dict(error.trailing_metadata() or ())
        return Said(None, str(trailing["reason"]), str(trailing["field"]) if "field" in trailing else None)


@pytest.fixture
def slot() -> ModelSlot:
    return ModelSlot(Served(a_model(), {"kind": "prior", "features": ["amount_minor"]}))


@pytest.fixture
def checkout(slot: ModelSlot) -> Checkout:
    clock = ManualClock(NOON)
    store, breaker = InMemoryVelocityStore(clock, timedelta(days=90)), Breaker(clock, timedelta(seconds=1))
    return Checkout(store, slot, POLICY, clock, timedelta(seconds=5), breaker)


@pytest.fixture(params=["rest", "grpc"])
async def door(
    request: pytest.FixtureRequest, checkout: Checkout, verifier: TokenVerifier, token: Callable[..., str]
) -> AsyncIterator[Door]:
    both = token(SCORE, MODEL)
    if request.param == "rest":
        app = http.create_app(service="fraud", version="1", verifier=verifier, readiness=Readiness())
        rest.mount(app, checkout)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://fraud") as client:
            yield RestDoor(client, both)
        return
    server = create_server(
        service="fraud",
        servicers=[(rpc.REGISTER, rpc.FraudServicer(checkout, verifier))],
        names=[rpc.NAME],
        verifier=verifier,
        scopes=rpc.SCOPES,
        host="127.0.0.1",
        port=0,
    )
    await server.start()
    address = f"127.0.0.1:{server.bound_port}"
    async with grpc.aio.insecure_channel(address) as channel:
        yield GrpcDoor(fraud_pb2_grpc.FraudServiceStub(channel), both)
    await server.stop(None)


async def test_an_order_gets_a_decision(door: Door) -> None:
    said = await door.score(ORDER)
    assert said.answer is not None
    assert 0.01 < said.answer["score"] < 0.3
    assert said.answer == {
        "order_id": "1001",
        "decision": "review",
        "score": said.answer["score"],
        "score_bits": score_bits(said.answer["score"]),
        "reasons": ["amount_over_review_limit@1"],
        "model_version": a_model().version,
        "decided_at": NOON,
    }


async def test_a_guest_and_a_free_order_are_scored(door: Door) -> None:
    said = await door.score(ORDER | {"user_id": None, "amount": "0"})
    assert said.answer is not None
    assert said.answer["decision"] == "allow"


async def test_the_same_key_replays_the_first_answer(door: Door, slot: ModelSlot) -> None:
    first = await door.score(ORDER)
    slot.served = None
    assert await door.score(ORDER) == first


async def test_the_same_key_with_another_order_is_a_conflict(door: Door) -> None:
    await door.score(ORDER)
    assert await door.score(ORDER | {"order_id": "1002"}) == Said(None, "idempotency_key_reused", "idempotency_key")


async def test_a_changed_order_under_a_scored_id_is_a_conflict(door: Door) -> None:
    await door.score(ORDER)
    assert await door.score(ORDER | {"units": 5}, "key-2") == Said(None, "order_differs", "order_id")


async def test_a_key_is_mandatory(door: Door) -> None:
    assert await door.score(ORDER, None) == Said(None, "idempotency_key_missing", "idempotency_key")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("order_id", "", "invalid_argument"),
        ("user_id", "a b", "invalid_argument"),
        ("store_id", -1, "invalid_argument"),
        ("amount", "12.345", "invalid_argument"),
        ("currency", "EUR", "currency_not_supported"),
        ("line_count", 0, "invalid_argument"),
        ("ordered_at", datetime(1960, 1, 1, tzinfo=UTC), "invalid_argument"),
    ],
)
async def test_a_wrong_field_is_named(door: Door, field: str, value: object, reason: str) -> None:
    assert await door.score(ORDER | {field: value}) == Said(None, reason, field)


async def test_without_a_model_rules_decide(door: Door, slot: ModelSlot) -> None:
    slot.served = None
    said = await door.score(ORDER)
    assert said.answer is not None
    assert (said.answer["score"], said.answer["score_bits"]) == (None, None)
    assert said.answer["reasons"] == ["model_unavailable", "amount_over_review_limit@1"]
    assert (await door.model()).reason == "model_missing"


async def test_the_card_of_the_model_in_use_is_shown(door: Door) -> None:
    assert await door.model() == Said({"kind": "prior", "features": ["amount_minor"]})


async def test_each_call_needs_its_scope(door: Door, token: Callable[..., str]) -> None:
    assert (await door.score(ORDER, token=token(MODEL))).reason == "permission_denied"
    assert (await door.model(token(SCORE))).reason == "permission_denied"
    assert (await door.model("nonsense")).reason == "token_invalid"
