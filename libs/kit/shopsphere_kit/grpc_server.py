"""The gRPC door's frame: bearer tokens, error codes, health v1, reflection, bounds."""

# grpc's stubs are generic where its classes are not; as text the annotations serve both.
from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from shopsphere_kit import metrics
from shopsphere_kit.auth import Caller, TokenVerifier, bearer_token
from shopsphere_kit.errors import ShopSphereError
from shopsphere_kit.logging import get_logger

# The same bound as the REST doors' bodies.
MESSAGE_BYTES_MAX = 1_048_576
# Methods anyone may call: an orchestrator probes health, a developer's client asks for the schema.
OPEN_PREFIXES = ("/grpc.health.v1.", "/grpc.reflection.")

_log = get_logger(__name__)
Register = Callable[[Any, grpc.aio.Server], None]
Context = grpc.aio.ServicerContext[Any, Any]


class Guard(grpc.aio.ServerInterceptor):
    """Verifies the token, checks the method's scope, and turns errors into status codes."""

    def __init__(self, service: str, verifier: TokenVerifier, scopes: Mapping[str, str]) -> None:
        self._service = service
        self._verifier = verifier
        self._scopes = scopes

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap a unary handler; streaming and open methods pass."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or handler.unary_unary is None or method.startswith(OPEN_PREFIXES):
            return handler
        return grpc.unary_unary_rpc_method_handler(
            self._guarded(method, handler.unary_unary),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _guarded(self, method: str, behaviour: Any) -> Any:
        async def call(request: Any, context: Context) -> Any:
            started, status = time.perf_counter(), "OK"
            try:
                caller_of(context, self._verifier).require(self._scopes[method])
                return await behaviour(request, context)
            except ShopSphereError as error:
                status = error.grpc_code
                await abort(context, error)
            except Exception as error:
                if isinstance(error, grpc.aio.AbortError):
                    raise
                status = "INTERNAL"
                _log.error("unexpected error", method=method, exc_info=error)
                await abort(context, ShopSphereError("something went wrong on our side; the log has the details"))
            finally:
                metrics.REQUESTS.labels(self._service, "grpc", method, status).inc()
                metrics.REQUEST_SECONDS.labels(self._service, "grpc", method).observe(time.perf_counter() - started)

        return call


def caller_of(context: Context, verifier: TokenVerifier) -> Caller:
    """The caller behind the call's `authorization` metadata; raises Unauthenticated."""
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return verifier.verify(bearer_token(metadata.get("authorization")))


async def abort(context: Context, error: ShopSphereError) -> None:
    """End the call with the error's code; trailing metadata carry `reason` and `field` as REST's problem does."""
    trailing = [("reason", error.reason)]
    if error.field:
        trailing.append(("field", error.field))
    if error.retry_after_seconds is not None:
        trailing.append(("retry-after", str(error.retry_after_seconds)))
    await context.abort(grpc.StatusCode[error.grpc_code], error.detail, tuple(trailing))


class GrpcServer:
    """A server whose health follows its life: serving between `start` and `stop`."""

    def __init__(
        self, server: grpc.aio.Server, port: int, names: Sequence[str], checker: health.aio.HealthServicer
    ) -> None:
        self._server = server
        self._names = names
        self._checker = checker
        self.bound_port = port

    async def start(self) -> None:
        """Answer calls, and say so to health probes."""
        await self._server.start()
        await self._mark(health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace: float | None) -> None:
        """Say that it stops, refuse new calls, and give open ones `grace` seconds."""
        await self._mark(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._server.stop(grace)

    async def _mark(self, status: Any) -> None:
        for name in ("", *self._names):
            await self._checker.set(name, status)


def create_server(
    *,
    service: str,
    servicers: Sequence[tuple[Register, Any]],
    names: Sequence[str],
    verifier: TokenVerifier,
    scopes: Mapping[str, str],
    host: str,
    port: int,
) -> GrpcServer:
    """A server with the servicers (register function, instance), whose full service `names` reflection shows.

    `scopes` maps each full method ("/package.Service/Method") to the scope it needs; one without is refused.
    Port 0 picks a free one, which `bound_port` tells.
    """
    server = grpc.aio.server(
        interceptors=[Guard(service, verifier, scopes)],
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            ("grpc.so_reuseport", 0),
        ],
    )
    for register, servicer in servicers:
        register(servicer, server)
    checker = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    return GrpcServer(server, server.add_insecure_port(f"{host}:{port}"), names, checker)
