"""Asks every door what its clients would ask, over REST and over gRPC, and holds the two answers against each other."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import grpc
import httpx
from shopsphere.customer360.v1 import customer360_pb2, customer360_pb2_grpc
from shopsphere.fraud.v1 import fraud_pb2, fraud_pb2_grpc
from shopsphere.inventory.v1 import inventory_pb2, inventory_pb2_grpc

from shopsphere_local.demo.samples import Samples, pick_samples
from shopsphere_local.stack import Stack

_SECONDS = 10.0
_HOLD_SECONDS = 60


class Doors:
    """Clients of the services' doors with one token that may do all that is asked here."""

    def __init__(self, stack: Stack, token: str, samples: Samples) -> None:
        self._ports = stack.ports.items()
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._headers = {"Authorization": f"Bearer {token}"}
        self.samples = samples

    async def check(self) -> dict[str, dict[str, str]]:
        """ "ok" per service and door, or what went wrong."""
        return {
            "inventory": {
                "rest": await told(self.inventory_rest),
                "grpc": await told(self.inventory_grpc),
            },
            "fraud": {"rest": await told(self.fraud_rest), "grpc": await told(self.fraud_grpc)},
            "customer360": {
                "rest": await told(self.customer_rest),
                "grpc": await told(self.customer_grpc),
                "dashboard": await told(self.dashboard),
            },
        }

    async def inventory_rest(self) -> None:
        """Availability of a sku; a unit of it held, and let go again."""
        sample = self.samples
        async with self._rest("inventory") as client:
            before = await self._availability(client)
            line = {"sku": sample.sku, "location": sample.location, "quantity": 1}
            body = {"lines": [line], "expires_in_seconds": _HOLD_SECONDS}
            held = await client.post("/v1/reservations", json=body, headers={"Idempotency-Key": sample.once("reserve")})
            expect(held.status_code == httpx.codes.CREATED, held.text)
            during = await self._availability(client)
            path = f"/v1/reservations/{held.json()['reservation_id']}:release"
            freed = await client.post(path, headers={"Idempotency-Key": sample.once("release")})
            expect(freed.status_code == httpx.codes.OK, freed.text)
            expect(during == before - 1, f"a held unit is still promised: {before} before, {during} during")
            expect(await self._availability(client) == before, "a released unit is not promised again")

    async def inventory_grpc(self) -> None:
        """The same availability over gRPC."""
        async with self._rest("inventory") as client:
            expected = await self._availability(client)
        async with self._grpc("inventory") as channel:
            stub = inventory_pb2_grpc.InventoryServiceStub(channel)
            request = inventory_pb2.GetAvailabilityRequest(sku=self.samples.sku, location=self.samples.location)
            found = await stub.GetAvailability(request, metadata=self._metadata, timeout=_SECONDS)
        expect(found.available_to_promise == expected, f"gRPC says {found.available_to_promise}, REST {expected}")

    async def fraud_rest(self) -> None:
        """The model's card."""
        async with self._rest("fraud") as client:
            answer = await client.get("/v1/model")
        expect(answer.status_code == httpx.codes.OK, answer.text)

    async def fraud_grpc(self) -> None:
        """A replayed score: the same key and order give over gRPC what checkout got over REST."""
        order = self.samples.order
        async with self._rest("fraud") as client:
            key = f"checkout-{order['order_id']}"
            rest = (await client.post("/v1/score", json=order, headers={"Idempotency-Key": key})).json()
        async with self._grpc("fraud") as channel:
            stub = fraud_pb2_grpc.FraudServiceStub(channel)
            ordered_at = datetime.fromisoformat(order["ordered_at"])
            request = fraud_pb2.ScoreRequest(**{**order, "ordered_at": ordered_at, "idempotency_key": key})
            found = await stub.Score(request, metadata=self._metadata, timeout=_SECONDS)
        expect(found.score_bits == rest["score_bits"], f"gRPC says {found.score_bits}, REST {rest['score_bits']}")

    async def customer_rest(self) -> None:
        """A customer looked up by e-mail, read by id, with a timeline."""
        async with self._rest("customer360") as client:
            found = await self._lookup(client)
            read = await client.get(f"/v1/customers/{found['customer_id']}")
            expect(read.json() == found, "a customer read by id differs from the one looked up")
            timeline = await client.get(f"/v1/customers/{found['customer_id']}/timeline")
            expect(timeline.status_code == httpx.codes.OK, timeline.text)
            expect(bool(timeline.json()["entries"]), "the timeline is empty")

    async def customer_grpc(self) -> None:
        """The same customer over gRPC."""
        async with self._rest("customer360") as client:
            expected = await self._lookup(client)
        async with self._grpc("customer360") as channel:
            stub = customer360_pb2_grpc.CustomerServiceStub(channel)
            request = customer360_pb2.GetCustomerRequest(customer_id=expected["customer_id"])
            found = await stub.GetCustomer(request, metadata=self._metadata, timeout=_SECONDS)
        amount = expected["figures"]["total_amount"]
        expect(found.figures.total_amount == amount, f"gRPC says {found.figures.total_amount}, REST {amount}")

    async def dashboard(self) -> None:
        """A one-time link shows a page whose button opens the overview."""
        async with self._rest("customer360") as client:
            body = {"scopes": ["customer360.profiles.read", "customer360.lookup.read"]}
            minted = await client.post("/v1/dashboard/signin-codes", json=body)
            expect(minted.status_code == httpx.codes.CREATED, minted.text)
            form = await client.get(minted.json()["url"])
            hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))
            expect({"code", "form_token"} <= hidden.keys(), f"the link answered {form.status_code} without a form")
            page = await client.post("/dashboard/signin", data=hidden, follow_redirects=True)
        expect(page.status_code == httpx.codes.OK and "<svg" in page.text, f"the overview answered {page.status_code}")

    async def _availability(self, client: httpx.AsyncClient) -> int:
        answer = await client.get(f"/v1/availability/{self.samples.sku}", params={"location": self.samples.location})
        expect(answer.status_code == httpx.codes.OK, answer.text)
        return int(answer.json()["available_to_promise"])

    async def _lookup(self, client: httpx.AsyncClient) -> dict[str, Any]:
        answer = await client.post("/v1/customers:lookup", json={"email": self.samples.email})
        expect(answer.status_code == httpx.codes.OK, f"lookup answered {answer.status_code}")
        found: dict[str, Any] = answer.json()
        return found

    def _rest(self, service: str) -> httpx.AsyncClient:
        address = f"http://127.0.0.1:{self._ports[f'{service}_rest']}"
        return httpx.AsyncClient(base_url=address, headers=self._headers, timeout=_SECONDS)

    def _grpc(self, service: str) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"127.0.0.1:{self._ports[f'{service}_grpc']}")


def expect(holds: bool, otherwise: str) -> None:
    """Raise AssertionError saying what is wrong when something does not hold."""
    if not holds:
        raise AssertionError(otherwise)


async def told(ask: Callable[[], Awaitable[None]]) -> str:
    """ "ok", or what went wrong: the report shows it, and the demo goes on to the other doors."""
    try:
        await ask()
    except (AssertionError, KeyError, grpc.aio.AioRpcError, httpx.HTTPError) as error:
        return f"{type(error).__name__}: {error}"
    return "ok"


async def check_endpoints(stack: Stack, token: str, dsn: str, since: datetime) -> dict[str, dict[str, str]]:
    """Check every door of a running stack."""
    return await Doors(stack, token, await asyncio.to_thread(pick_samples, dsn, since)).check()


async def profile_store(stack: Stack, token: str) -> dict[str, Any]:
    """What Customer 360 says it serves: the release and how many profiles."""
    address = f"http://127.0.0.1:{stack.rest_port('customer360')}"
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}) as client:
        release = (await client.get("/v1/release")).json()
    return {"profiles": release["profiles"], "release": release["release_id"]}
