"""The gRPC door's frame, held against the REST frame's promises with a health probe and a refused call."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from shopsphere.inventory.v1 import inventory_pb2, inventory_pb2_grpc
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.errors import RateLimited
from shopsphere_kit.grpc_server import GrpcServer, Guard, create_server

NAME = "shopsphere.inventory.v1.InventoryService"
METHOD = f"/{NAME}/GetAvailability"


class Busy(inventory_pb2_grpc.InventoryServiceServicer):
    """A servicer that is always too busy, and hangs when asked for several."""

    async def BatchGetAvailability(self, request: object, context: object) -> None:  # noqa: N802 - named by the contract
        await asyncio.Event().wait()

    async def GetAvailability(self, request: object, context: object) -> None:  # noqa: N802 - named by the contract
        raise RateLimited("slow down", retry_after_seconds=7)


@pytest.fixture
async def server(verifier: TokenVerifier) -> GrpcServer:
    return create_server(
        service="test",
        servicers=[(inventory_pb2_grpc.add_InventoryServiceServicer_to_server, Busy())],
        names=[NAME],
        verifier=verifier,
        scopes={METHOD: "stock.read", f"/{NAME}/BatchGetAvailability": "stock.read"},
        host="127.0.0.1",
        port=0,
        timeout_seconds=0.2,
    )


async def refusal(
    server: GrpcServer, token: str | None = None, method: str = "GetAvailability", deadline: float | None = 5
) -> grpc.aio.AioRpcError:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.bound_port}") as channel:
        metadata = [("authorization", f"Bearer {token}")] if token else []
        call = getattr(inventory_pb2_grpc.InventoryServiceStub(channel), method)
        request = getattr(inventory_pb2, f"{method}Request")()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(request, metadata=metadata, timeout=deadline)
    error: grpc.aio.AioRpcError = refused.value
    return error


def trailing(error: grpc.aio.AioRpcError) -> dict[str, object]:
    return dict(error.trailing_metadata() or ())


async def test_a_call_without_a_token_is_unauthenticated(server: GrpcServer) -> None:
    await server.start()
    error = await refusal(server)
    assert (error.code(), trailing(error)["reason"]) == (grpc.StatusCode.UNAUTHENTICATED, "token_missing")
    await server.stop(None)


async def test_a_token_without_the_scope_is_refused(server: GrpcServer, token: object) -> None:
    await server.start()
    error = await refusal(server, token=token("other.read"))  # type: ignore[operator]
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    await server.stop(None)


async def test_an_error_carries_its_reason_and_when_to_come_back(server: GrpcServer, token: object) -> None:
    await server.start()
    error = await refusal(server, token=token("stock.read"))  # type: ignore[operator]
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (trailing(error)["reason"], trailing(error)["retry-after"]) == ("rate_limited", "7")
    await server.stop(None)


async def test_a_health_probe_needs_no_token(server: GrpcServer) -> None:
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.bound_port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=NAME), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    await server.stop(None)


async def test_a_call_without_a_deadline_ends_at_the_servers(server: GrpcServer, token: object) -> None:
    await server.start()
    error = await refusal(server, token("stock.read"), "BatchGetAvailability", deadline=None)  # type: ignore[operator]
    assert (error.code(), trailing(error)["reason"]) == (grpc.StatusCode.DEADLINE_EXCEEDED, "deadline_exceeded")
    await server.stop(None)


async def test_a_method_without_a_scope_is_open_to_nobody(server: GrpcServer, token: object) -> None:
    await server.start()
    error = await refusal(server, token("stock.read"), "GetReservation")  # type: ignore[operator]
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    await server.stop(None)


async def test_a_stream_is_guarded_like_any_call(verifier: TokenVerifier, token: object) -> None:
    async def numbers(_: object, __: object) -> AsyncIterator[inventory_pb2.Availability]:
        yield inventory_pb2.Availability(sku="P1")

    guard = Guard("test", verifier, {"/s/Watch": "stock.read"}, 1.0)
    handler = grpc.unary_stream_rpc_method_handler(
        numbers, inventory_pb2.GetAvailabilityRequest.FromString, inventory_pb2.Availability.SerializeToString
    )
    server = grpc.aio.server(interceptors=[guard])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("s", {"Watch": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        watch: Any = channel.unary_stream("/s/Watch", response_deserializer=inventory_pb2.Availability.FromString)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await anext(aiter(watch(b"", timeout=5)))
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        bearer = (("authorization", "Bearer " + token("stock.read")),)  # type: ignore[operator]
        assert [each.sku async for each in watch(b"", metadata=bearer, timeout=5)] == ["P1"]
    await server.stop(None)
