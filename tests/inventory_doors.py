"""Both doors of inventory over one store in memory, behind one way of calling them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import grpc
import httpx
from fastapi import FastAPI
from google.protobuf.json_format import MessageToDict, ParseDict
from inventory import rest, rpc
from inventory.application import Inventory
from inventory.feed import ChangeFeed, WatchBounds
from inventory.memory_store import InMemoryStockStore
from inventory.scopes import (
    AVAILABILITY_READ,
    LEDGER_READ,
    RESERVATIONS_READ,
    RESERVATIONS_WRITE,
    STOCK_WRITE,
    TERMS_READ,
    TERMS_WRITE,
)
from inventory.store import BALANCES_MAX
from inventory_builders import NOON
from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere.inventory.v1 import inventory_pb2_grpc as pb_grpc
from shopsphere_kit.auth import DevKey, TokenVerifier
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.health import Readiness
from shopsphere_kit.settings import AuthSettings, HttpSettings

ALL_SCOPES = (
    AVAILABILITY_READ,
    RESERVATIONS_READ,
    RESERVATIONS_WRITE,
    STOCK_WRITE,
    LEDGER_READ,
    TERMS_READ,
    TERMS_WRITE,
)
Body = dict[str, Any]
WHOLE_NUMBERS = {
    *("on_hand", "reserved", "available_to_promise", "damaged", "quality_control", "version", "quantity", "epoch"),
    *("on_hand_change", "reserved_change", "safety_stock", "available_beyond", "incoming", "available_later"),
    *("units", "backorder_quota", "preorder_limit", "count"),
}
PREFIXES = {"state": "RESERVATION_STATE_", "bucket": "BUCKET_"}


@dataclass(frozen=True)
class Answer:
    """What a door said: a body, or a reason and the field it names."""

    body: Body | None = None
    reason: str | None = None
    field: str | None = None
    is_replay: bool = False


class Door(Protocol):
    """The calls of inventory, whatever carries them."""

    token: str

    async def availability(self, sku: str, location: str = "", **more: str) -> Answer: ...
    async def batch_availability(self, skus: list[str], location: str = "", **more: str) -> Answer: ...
    async def reserve(
        self, key: str, lines: list[Body], expires_in_seconds: int = 60, **more: bool | str
    ) -> Answer: ...
    async def reservation(self, reservation_id: str) -> Answer: ...
    async def extend(self, key: str, reservation_id: str, expires_in_seconds: int) -> Answer: ...
    async def transfer(self, key: str, reservation_id: str, to: str, origin: str = "") -> Answer: ...
    async def confirm(self, key: str, reservation_id: str, lines: list[Body] | None = None) -> Answer: ...
    async def release(self, key: str, reservation_id: str) -> Answer: ...
    async def adjust(self, key: str, adjustments: list[Body]) -> Answer: ...
    async def ledger(self, sku: str, at: str = "", entries: int = 20) -> Answer: ...
    async def set_terms(self, key: str, terms: list[Body]) -> Answer: ...
    async def terms(self, sku: str = "") -> Answer: ...


class RestDoor:
    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client, self.token = client, token

    async def availability(self, sku: str, location: str = "", **more: str) -> Answer:
        asked = {**({"location": location} if location else {}), **more}
        return await self._call("GET", f"/v1/availability/{sku}", params=asked)

    async def batch_availability(self, skus: list[str], location: str = "", **more: str) -> Answer:
        body: Body = {"skus": skus, **({"location": location} if location else {}), **more}
        return await self._call("POST", "/v1/availability:batchGet", json=body)

    async def reserve(self, key: str, lines: list[Body], expires_in_seconds: int = 60, **more: bool | str) -> Answer:
        body = {"lines": lines, "expires_in_seconds": expires_in_seconds, **more}
        return await self._call("POST", "/v1/reservations", key, json=body)

    async def reservation(self, reservation_id: str) -> Answer:
        return await self._call("GET", f"/v1/reservations/{reservation_id}")

    async def extend(self, key: str, reservation_id: str, expires_in_seconds: int) -> Answer:
        body = {"expires_in_seconds": expires_in_seconds}
        return await self._call("POST", f"/v1/reservations/{reservation_id}:extend", key, json=body)

    async def transfer(self, key: str, reservation_id: str, to: str, origin: str = "") -> Answer:
        body = {"to_location": to, **({"from_location": origin} if origin else {})}
        return await self._call("POST", f"/v1/reservations/{reservation_id}:transfer", key, json=body)

    async def confirm(self, key: str, reservation_id: str, lines: list[Body] | None = None) -> Answer:
        body = {"json": {"lines": lines}} if lines else {}
        return await self._call("POST", f"/v1/reservations/{reservation_id}:confirm", key, **body)

    async def release(self, key: str, reservation_id: str) -> Answer:
        return await self._call("POST", f"/v1/reservations/{reservation_id}:release", key)

    async def adjust(self, key: str, adjustments: list[Body]) -> Answer:
        return await self._call("POST", "/v1/adjustments:batch", key, json={"adjustments": adjustments})

    async def ledger(self, sku: str, at: str = "", entries: int = 20) -> Answer:
        asked = {"entries": str(entries), **({"at": at} if at else {})}
        return await self._call("GET", f"/v1/ledger/{sku}", params=asked)

    async def set_terms(self, key: str, terms: list[Body]) -> Answer:
        return await self._call("POST", "/v1/terms:batch", key, json={"terms": terms})

    async def terms(self, sku: str = "") -> Answer:
        return await self._call("GET", "/v1/terms", params={"sku": sku} if sku else {})

    async def _call(self, method: str, path: str, key: str = "", **request: Any) -> Answer:
        headers = {"Idempotency-Key": key} if key else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        response = await self.client.request(method, path, headers=headers, **request)
        if response.is_error:
            assert response.headers["content-type"] == "application/problem+json"
            problem = response.json()
            return Answer(reason=problem["type"].rpartition(":")[2], field=problem.get("field"))
        return Answer(response.json(), is_replay=response.headers.get("Idempotency-Replayed") == "true")


class GrpcDoor:
    def __init__(self, stub: Any, token: str) -> None:
        self.stub, self.token = stub, token

    async def availability(self, sku: str, location: str = "", **more: str) -> Answer:
        return await self._call("GetAvailability", pb.GetAvailabilityRequest(sku=sku, location=location, **more))

    async def batch_availability(self, skus: list[str], location: str = "", **more: str) -> Answer:
        request = pb.BatchGetAvailabilityRequest(skus=skus, location=location, **more)
        return await self._call("BatchGetAvailability", request)

    async def reserve(self, key: str, lines: list[Body], expires_in_seconds: int = 60, **more: Any) -> Answer:
        request = pb.CreateReservationRequest(
            idempotency_key=key,
            lines=[pb.ReservationLine(**line) for line in lines],
            expires_in_seconds=expires_in_seconds,
            **more,
        )
        return await self._call("CreateReservation", request)

    async def reservation(self, reservation_id: str) -> Answer:
        return await self._call("GetReservation", pb.GetReservationRequest(reservation_id=reservation_id))

    async def extend(self, key: str, reservation_id: str, expires_in_seconds: int) -> Answer:
        request = pb.ExtendReservationRequest(
            reservation_id=reservation_id, idempotency_key=key, expires_in_seconds=expires_in_seconds
        )
        return await self._call("ExtendReservation", request)

    async def transfer(self, key: str, reservation_id: str, to: str, origin: str = "") -> Answer:
        request = pb.TransferReservationRequest(
            reservation_id=reservation_id, idempotency_key=key, to_location=to, from_location=origin
        )
        return await self._call("TransferReservation", request)

    async def confirm(self, key: str, reservation_id: str, lines: list[Body] | None = None) -> Answer:
        request = pb.ConfirmReservationRequest(
            reservation_id=reservation_id,
            idempotency_key=key,
            lines=[pb.ReservationLine(**line) for line in lines or []],
        )
        return await self._call("ConfirmReservation", request)

    async def release(self, key: str, reservation_id: str) -> Answer:
        request = pb.ReleaseReservationRequest(reservation_id=reservation_id, idempotency_key=key)
        return await self._call("ReleaseReservation", request)

    async def adjust(self, key: str, adjustments: list[Body]) -> Answer:
        request = pb.AdjustStockRequest(idempotency_key=key, adjustments=[_adjustment(each) for each in adjustments])
        return await self._call("AdjustStock", request)

    async def ledger(self, sku: str, at: str = "", entries: int = 20) -> Answer:
        request = pb.GetLedgerRequest(sku=sku, entries=entries)
        if at:
            request.at.FromJsonString(at)
        return await self._call("GetLedger", request)

    async def set_terms(self, key: str, terms: list[Body]) -> Answer:
        named = [{each["kind"]: {name: value for name, value in each.items() if name != "kind"}} for each in terms]
        request = pb.SetTermsRequest(idempotency_key=key, terms=[ParseDict(each, pb.Term()) for each in named])
        return await self._call("SetTerms", request)

    async def terms(self, sku: str = "") -> Answer:
        answer = await self._call("GetTerms", pb.GetTermsRequest(sku=sku))
        told = [
            {"kind": kind, **term} for each in (answer.body or {"terms": []})["terms"] for kind, term in each.items()
        ]
        return replace(answer, body={"terms": told}) if answer.body else answer

    async def _call(self, method: str, request: Any) -> Answer:
        metadata = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        call = getattr(self.stub, method)(request, metadata=metadata, timeout=10)
        try:
            message = await call
        except grpc.aio.AioRpcError as error:
            trailing = dict(error.trailing_metadata() or ())
            return Answer(reason=str(trailing["reason"]), field=_text(trailing.get("field")))
        is_replay = dict(await call.initial_metadata()).get("idempotency-replayed") == "true"
        return Answer(as_rest_would_say(message), is_replay=is_replay)


def _adjustment(body: Body) -> pb.Adjustment:
    """The message that says what the JSON says."""
    names = {"operation": "OPERATION", "bucket": "BUCKET", "to_bucket": "BUCKET"}
    encoded = {name: f"{names[name]}_{value.upper()}" if name in names else value for name, value in body.items()}
    return ParseDict(encoded, pb.Adjustment())


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def as_rest_would_say(message: Any) -> Body:
    """The JSON of REST that says what the message says."""
    body: Body = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return {name: _plain(name, value) for name, value in body.items()} | (
        {"ended_at": body.get("ended_at")} if "state" in body else {}
    )


def _plain(name: str, value: Any) -> Any:
    """Protobuf's JSON writes int64 as text and enums by their long names."""
    if isinstance(value, list):
        return [_plain("", each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(key, each) for key, each in value.items()}
    if name in WHOLE_NUMBERS:
        return int(value)
    prefix = PREFIXES.get(name)
    return value.removeprefix(prefix).lower() if prefix else value


@dataclass(frozen=True)
class Doors:
    """Both doors over one application, its store, and the issuer of tokens."""

    rest: RestDoor
    grpc: GrpcDoor
    app: FastAPI
    feed: ChangeFeed
    store: InMemoryStockStore
    clock: ManualClock
    key: DevKey
    auth: AuthSettings

    def token(self, *scopes: str, client_id: str = "checkout") -> str:
        return self.key.mint(scopes, settings=self.auth, now=NOON, client_id=client_id)


@asynccontextmanager
async def both_doors(
    folder: Path,
    balances_max: int = BALANCES_MAX,
    bounds: WatchBounds | None = None,
    http_settings: HttpSettings | None = None,
) -> AsyncIterator[Doors]:
    key, jwks_file = DevKey.generate(), folder / "jwks.json"
    jwks_file.write_text(key.jwks())
    auth, clock = AuthSettings(jwks_file=jwks_file), ManualClock(NOON)
    verifier, numbers = TokenVerifier(auth, clock), count(1)
    store = InMemoryStockStore(clock, balances_max=balances_max)
    feed, http = ChangeFeed(store, bounds), http_settings or HttpSettings()
    inventory = Inventory(store, lambda: f"R{next(numbers)}", feed)
    app = rest.create_app(inventory, verifier, Readiness(), http, "0.0.0")
    server = rpc.create_server(inventory, verifier, http, 0)
    token = key.mint(ALL_SCOPES, settings=auth, now=NOON, client_id="checkout")
    await server.start()
    address = f"127.0.0.1:{server.bound_port}"
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://inventory") as client,
        grpc.aio.insecure_channel(address) as channel,
    ):
        stub = pb_grpc.InventoryServiceStub(channel)
        yield Doors(RestDoor(client, token), GrpcDoor(stub, token), app, feed, store, clock, key, auth)
    await server.stop(None)
