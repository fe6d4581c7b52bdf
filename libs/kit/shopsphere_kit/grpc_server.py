"""The gRPC door's frame: bearer tokens, error codes, health v1, reflection, bounds."""

# grpc's stubs are generic where its classes are not; as text the annotations serve both.
from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from shopsphere_kit import metrics
from shopsphere_kit.auth import Caller, TokenVerifier, bearer_token
from shopsphere_kit.errors import DeadlineExceeded, PermissionDenied, ShopSphereError
from shopsphere_kit.logging import get_logger

# The same bound as the REST doors' bodies; answers of a batch may be larger, as they may over REST.
REQUEST_BYTES_MAX, ANSWER_BYTES_MAX = 1_048_576, 16_777_216
# Beyond this a door is overloaded, and a refused call is better than a late one.
CONCURRENT_CALLS_MAX = 1000
# As SHOPSPHERE_HTTP_REQUEST_TIMEOUT_SECONDS.
TIMEOUT_SECONDS = 10.0
# Methods anyone may call: an orchestrator probes health, a developer's client asks for the schema.
OPEN_PREFIXES = ("/grpc.health.v1.", "/grpc.reflection.")

_log = get_logger(__name__)
Register = Callable[[Any, grpc.aio.Server], None]
Context = grpc.aio.ServicerContext[Any, Any]


class Guard(grpc.aio.ServerInterceptor):
    """Verifies the token, checks the method's scope, bounds the time, and turns errors into status codes.

    Only health and reflection pass unguarded. A method without a scope is refused, of whatever kind it is.
    """

    def __init__(
        self, service: str, verifier: TokenVerifier, scopes: Mapping[str, str], timeout_seconds: float
    ) -> None:
        self._service = service
        self._verifier = verifier
        self._scopes = scopes
        self._timeout_seconds = timeout_seconds

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wrap the handler in the guard of its kind."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or method.startswith(OPEN_PREFIXES):
            return handler
        codec = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(self._unary(method, handler.unary_unary), *codec)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(self._stream(method, handler.unary_stream), *codec)
        raise NotImplementedError(f"{method}: no guard for calls whose requests stream")

    def _admit(self, method: str, context: Context) -> None:
        caller = caller_of(context, self._verifier)
        if method not in self._scopes:
            raise PermissionDenied("the method is open to nobody: it has no scope")
        caller.require(self._scopes[method])

    def _unary(self, method: str, behaviour: Any) -> Any:
        async def call(request: Any, context: Context) -> Any:
            async with self._watched(method, context):
                remaining = context.time_remaining()
                bound = self._timeout_seconds if remaining is None else min(remaining, self._timeout_seconds)
                async with asyncio.timeout(bound):
                    return await behaviour(request, context)

        return call

    def _stream(self, method: str, behaviour: Any) -> Any:
        # A stream lives as long as its client listens, so only the client's own deadline ends it.
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._watched(method, context):
                async for message in behaviour(request, context):
                    yield message

        return call

    @asynccontextmanager
    async def _watched(self, method: str, context: Context) -> AsyncIterator[None]:
        started, status = time.perf_counter(), "OK"
        try:
            self._admit(method, context)
            yield
        except ShopSphereError as error:
            status = error.grpc_code
            await abort(context, error)
        except TimeoutError:
            status = DeadlineExceeded.grpc_code
            await abort(context, DeadlineExceeded("the call took too long; try again"))
        except Exception as error:
            if isinstance(error, grpc.aio.AbortError):
                raise
            status = "INTERNAL"
            _log.error("unexpected error", method=method, exc_info=error)
            await abort(context, ShopSphereError("something went wrong on our side; the log has the details"))
        finally:
            metrics.REQUESTS.labels(self._service, "grpc", method, status).inc()
            metrics.REQUEST_SECONDS.labels(self._service, "grpc", method).observe(time.perf_counter() - started)


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
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> GrpcServer:
    """A server with the servicers (register function, instance), whose full service `names` reflection shows.

    `scopes` maps each full method ("/package.Service/Method") to the scope it needs; one without is refused.
    Port 0 picks a free one, which `bound_port` tells.
    """
    server = grpc.aio.server(
        interceptors=[Guard(service, verifier, scopes, timeout_seconds)],
        maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX,
        options=[
            ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
            ("grpc.max_send_message_length", ANSWER_BYTES_MAX),
            ("grpc.so_reuseport", 0),
        ],
    )
    for register, servicer in servicers:
        register(servicer, server)
    checker = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checker, server)
    reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    return GrpcServer(server, server.add_insecure_port(f"{host}:{port}"), names, checker)
