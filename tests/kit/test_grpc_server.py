"""The gRPC door's frame, held against the REST frame's promises with a health probe and a refused call."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from shopsphere.inventory.v1 import inventory_pb2, inventory_pb2_grpc
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.errors import RateLimited
from shopsphere_kit.grpc_server import GrpcServer, create_server

NAME = "shopsphere.inventory.v1.InventoryService"
METHOD = f"/{NAME}/GetAvailability"


class Busy(inventory_pb2_grpc.InventoryServiceServicer):
    """A servicer that is always too busy."""

    async def GetAvailability(self, request: object, context: object) -> None:  # noqa: N802 - named by the contract
        raise RateLimited("slow down", retry_after_seconds=7)


@pytest.fixture
async def server(verifier: TokenVerifier) -> GrpcServer:
    return create_server(
        service="test",
        servicers=[(inventory_pb2_grpc.add_InventoryServiceServicer_to_server, Busy())],
        names=[NAME],
        verifier=verifier,
        scopes={METHOD: "stock.read"},
        host="127.0.0.1",
        port=0,
    )


async def refusal(
    server: GrpcServer, method: str = "GetAvailability", token: str | None = None
) -> grpc.aio.AioRpcError:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.bound_port}") as channel:
        metadata = [("authorization", f"Bearer {token}")] if token else []
        call = inventory_pb2_grpc.InventoryServiceStub(channel).GetAvailability
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(inventory_pb2.GetAvailabilityRequest(sku="P1"), metadata=metadata, timeout=5)
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
