"""The REST door's frame: problem+json (RFC 9457), bearer tokens, bounds, health, metrics."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopsphere_kit import metrics
from shopsphere_kit.auth import Caller, TokenVerifier, bearer_token
from shopsphere_kit.errors import DeadlineExceeded, InvalidArgument, ShopSphereError, TooLarge, Unavailable
from shopsphere_kit.health import Readiness
from shopsphere_kit.logging import get_logger
from shopsphere_kit.settings import HttpSettings

# `type` of a problem is a stable URI; it names the reason and need not resolve (RFC 9457 §3.1.1).
PROBLEM_BASE = "urn:shopsphere:problem:"
PROBLEM_JSON = "application/problem+json"
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
    },
}

_log = get_logger(__name__)
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def problem(error: ShopSphereError, **members: object) -> JSONResponse:
    """The problem+json answer of an error, with extension members (RFC 9457 §3.2)."""
    body: dict[str, Any] = {
        "type": PROBLEM_BASE + error.reason,
        "title": error.title,
        "status": error.http_status,
        "detail": error.detail,
        **members,
    }
    if error.field:
        body["field"] = error.field
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="shopsphere"'
    return JSONResponse(body, error.http_status, headers, media_type=PROBLEM_JSON)


def create_app(
    *,
    service: str,
    version: str,
    verifier: TokenVerifier,
    readiness: Readiness,
    settings: HttpSettings | None = None,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """A FastAPI application with everything that all REST doors share."""
    bounds = settings or HttpSettings()
    app = FastAPI(
        title=f"ShopSphere {service}",
        version=version,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan or _no_lifespan,
        responses={"default": {"description": "Problem", "content": {PROBLEM_JSON: {"schema": PROBLEM_SCHEMA}}}},
    )
    app.state.verifier = verifier
    _answer_problems(app)
    _mount_operations(app, readiness)
    app.add_middleware(BoundedRequests, service=service, settings=bounds)
    return app


class EventStream(StreamingResponse):
    """Server-Sent Events, which go on until the client or `events` ends; then `on_end` is called, in any case."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], on_end: Callable[[], None]) -> None:
        # Proxies that buffer answers (nginx does) would hold the events back.
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()


@asynccontextmanager
async def _no_lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An access token (RFC 9068)")


def require(scope: str) -> Any:
    """A dependency that yields the Caller, having checked that the token carries the scope."""

    async def caller(request: Request, _: Annotated[Any, Depends(_bearer)]) -> Caller:
        found: Caller = request.app.state.verifier.verify(bearer_token(request.headers.get("authorization")))
        found.require(scope)
        return found

    return Depends(caller)


def _answer_problems(app: FastAPI) -> None:
    @app.exception_handler(ShopSphereError)
    async def on_known(_: Request, error: ShopSphereError) -> Response:
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            reason = first.get("ctx", {}).get("error", "it does not parse")
            return problem(InvalidArgument(f"the body is not JSON: {reason}", reason="not_json", field="body"))
        if first["type"] == "model_attributes_type":
            return problem(InvalidArgument("send a JSON object, with Content-Type: application/json", field="body"))
        where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path", "header"))
        return problem(InvalidArgument(f"{where or 'body'}: {first['msg']}", field=where or "body"))

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        body = {"type": PROBLEM_BASE + status.name.lower(), "title": status.phrase, "status": status.value}
        return JSONResponse({**body, "detail": str(error.detail)}, status.value, error.headers, media_type=PROBLEM_JSON)

    @app.exception_handler(Exception)
    async def on_bug(request: Request, error: Exception) -> Response:
        _log.error("unexpected error", route=route_template(request.scope), exc_info=error)
        return problem(ShopSphereError("something went wrong on our side; the log has the details"))


def _mount_operations(app: FastAPI, readiness: Readiness) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        checks = await readiness.run()
        away = [name for name, outcome in checks.items() if outcome != "ok"]
        if away:
            return problem(Unavailable(f"not ready: {', '.join(away)}", reason="not_ready"), checks=checks)
        return JSONResponse({"status": "ready", "checks": checks})

    @app.get("/metrics", include_in_schema=False)
    async def metrics_page() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def route_template(scope: Scope) -> str:
    """The route as written (`/v1/customers/{customer_id}`), so that no value of a path reaches a label or a log."""
    route = scope.get("route")
    return str(getattr(route, "path", "unmatched"))


class BoundedRequests:
    """ASGI middleware: bounds the body's size and the request's time, and counts what was answered.

    A stream of events has no bound from its beginning on; it lives as long as its client listens.
    """

    def __init__(self, app: ASGIApp, service: str, settings: HttpSettings) -> None:
        self._app = app
        self._service = service
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413 or 504 in its place."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        body = _BoundedBody(scope, receive, self._settings.max_body_bytes)
        answer = _WatchedAnswer(send, body)
        try:
            body.refuse_declared_excess()
            async with asyncio.timeout(self._settings.request_timeout_seconds) as bound:
                answer.on_stream = lambda: bound.reschedule(None)
                await self._app(scope, body.receive, answer.send)
            if body.exceeded and not answer.started:
                await problem(body.error)(scope, receive, answer.pass_on)
        except (TimeoutError, TooLarge) as error:
            if answer.started:
                raise
            known = error if isinstance(error, TooLarge) else DeadlineExceeded("the request took too long; try again")
            await problem(known)(scope, receive, answer.pass_on)
        finally:
            route = route_template(scope)
            metrics.REQUESTS.labels(self._service, "rest", route, str(answer.status)).inc()
            metrics.REQUEST_SECONDS.labels(self._service, "rest", route).observe(time.perf_counter() - started)


class _BoundedBody:
    """Counts what arrives and stops at the limit, whatever Content-Length said."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._declared = dict(scope["headers"]).get(b"content-length", b"0")
        self._received = 0
        self.error = TooLarge(f"the body is over {limit} bytes; send less at a time", field="body")

    @property
    def exceeded(self) -> bool:
        return self._received > self._limit

    def refuse_declared_excess(self) -> None:
        if self._declared.isdigit() and int(self._declared) > self._limit:
            raise self.error

    async def receive(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self.exceeded:
            raise self.error
        return message


class _WatchedAnswer:
    """Remembers the status, and lets no other answer out once the body was too large (frameworks answer 400 then)."""

    def __init__(self, send: Send, body: _BoundedBody) -> None:
        self._send = send
        self._body = body
        self.status = 500
        self.started = False
        self.on_stream: Callable[[], None] | None = None

    async def send(self, message: Message) -> None:
        if not self._body.exceeded or self.started:
            await self.pass_on(message)

    async def pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.started = message["status"], True
            if self.on_stream and _is_event_stream(message):
                self.on_stream()
        await self._send(message)


def _is_event_stream(start: Message) -> bool:
    headers: dict[bytes, bytes] = dict(start["headers"])
    return headers.get(b"content-type", b"").startswith(EventStream.media_type.encode())
