import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from shopsphere_kit import http
from shopsphere_kit.auth import Caller, DevKey, TokenVerifier
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.errors import RateLimited
from shopsphere_kit.health import Readiness
from shopsphere_kit.settings import AuthSettings, HttpSettings


class Thing(BaseModel):
    name: str


Reader = Annotated[Caller, http.require("things.read")]


def an_app(verifier: TokenVerifier) -> FastAPI:
    readiness = Readiness()
    settings = HttpSettings(max_body_bytes=100, request_timeout_seconds=0.2)
    app = http.create_app(service="things", version="1", verifier=verifier, readiness=readiness, settings=settings)
    readiness.add("sun", _shines)
    app.get("/v1/things/{thing_id}")(_thing)
    app.post("/v1/things")(_make)
    app.get("/v1/slow")(_slow)
    app.get("/v1/busy")(_busy)
    app.get("/v1/stream")(_stream)
    return app


async def _shines() -> None:
    return None


async def _thing(thing_id: int, caller: Reader) -> dict[str, str | int]:
    return {"thing_id": thing_id, "client": caller.client_id}


async def _make(thing: Thing) -> Thing:
    return thing


async def _slow() -> None:
    await asyncio.Event().wait()


async def _busy() -> None:
    raise RateLimited("slow down", retry_after_seconds=7)


async def _stream() -> http.EventStream:
    async def events() -> AsyncIterator[bytes]:
        # Three waits, each as long as the time limit of a request.
        for number in range(3):
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await asyncio.Event().wait()
            yield f"id: {number}\n\n".encode()

    return http.EventStream(events(), lambda: ENDED.append("stream"))


ENDED: list[str] = []


@pytest.fixture
def settings_and_key(tmp_path: Path) -> tuple[AuthSettings, DevKey]:
    key = DevKey.generate()
    file = tmp_path / "jwks.json"
    file.write_text(key.jwks())
    return AuthSettings(jwks_file=file), key


@pytest.fixture
async def client(settings_and_key: tuple[AuthSettings, DevKey]) -> AsyncIterator[httpx.AsyncClient]:
    settings, _ = settings_and_key
    transport = httpx.ASGITransport(an_app(TokenVerifier(settings)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://things") as session:
        yield session


def bearer(settings_and_key: tuple[AuthSettings, DevKey], *scopes: str) -> dict[str, str]:
    settings, key = settings_and_key
    return {"Authorization": "Bearer " + key.mint(scopes, settings=settings, now=SystemClock().now())}


async def test_a_call_without_a_token_is_told_to_send_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/things/1")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:shopsphere:problem:token_missing"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_without_the_scope_is_refused_by_name(
    client: httpx.AsyncClient, settings_and_key: tuple[AuthSettings, DevKey]
) -> None:
    answer = await client.get("/v1/things/1", headers=bearer(settings_and_key, "things.write"))
    assert answer.status_code == 403
    assert "things.read" in answer.json()["detail"]


async def test_a_token_with_the_scope_is_let_in(
    client: httpx.AsyncClient, settings_and_key: tuple[AuthSettings, DevKey]
) -> None:
    answer = await client.get("/v1/things/1", headers=bearer(settings_and_key, "things.read"))
    assert answer.json() == {"thing_id": 1, "client": "dev"}


async def test_a_wrong_field_is_named(client: httpx.AsyncClient, settings_and_key: tuple[AuthSettings, DevKey]) -> None:
    answer = await client.get("/v1/things/one", headers=bearer(settings_and_key, "things.read"))
    assert (answer.status_code, answer.json()["field"]) == (400, "thing_id")


@pytest.mark.parametrize("path", ["/v1/nowhere", "/nothing"])
async def test_an_unknown_path_is_a_problem_too(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_body_over_the_bound_is_refused_even_when_its_length_is_not_declared(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b'{"name": "' + b"x" * 40

    assert (await client.post("/v1/things", content=b"x" * 200)).status_code == 413
    answer = await client.post("/v1/things", content=chunks())
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:shopsphere:problem:too_large")


async def test_a_request_over_its_time_is_ended(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/slow")
    assert (answer.status_code, answer.json()["type"]) == (504, "urn:shopsphere:problem:deadline_exceeded")


async def test_a_stream_of_events_outlives_the_time_of_a_request_and_says_when_it_ends(
    client: httpx.AsyncClient,
) -> None:
    ENDED.clear()
    response = await client.get("/v1/stream")
    assert (response.headers["content-type"], response.headers["cache-control"]) == (
        "text/event-stream; charset=utf-8",
        "no-store",
    )
    assert response.text == "id: 0\n\nid: 1\n\nid: 2\n\n"
    assert ENDED == ["stream"]


async def test_a_busy_answer_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_operations_pages_answer_without_a_token(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    assert (await client.get("/readyz")).json() == {"status": "ready", "checks": {"sun": "ok"}}
    await client.get("/v1/things/12345")
    page = (await client.get("/metrics")).text
    assert 'route="/v1/things/{thing_id}"' in page
    assert "12345" not in page


async def test_openapi_describes_the_problem_answer(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert "default" in document["paths"]["/v1/things"]["post"]["responses"]
    assert "HTTPBearer" in document["components"]["securitySchemes"]


def test_depends_is_what_require_returns() -> None:
    assert isinstance(http.require("x"), type(Depends(_shines)))


async def test_a_door_that_is_not_ready_says_so_as_a_problem(verifier: TokenVerifier) -> None:
    async def away() -> None:
        raise ConnectionRefusedError

    readiness = Readiness()
    readiness.add("redis", away)
    app = http.create_app(service="things", version="1", verifier=verifier, readiness=readiness)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://things") as session:
        answer = await session.get("/readyz")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.json()["type"] == "urn:shopsphere:problem:not_ready"
    assert answer.json()["checks"] == {"redis": "ConnectionRefusedError"}


async def test_a_body_that_is_no_json_is_told_so(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/v1/things", content=b'{"name": ', headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (400, "body")
    assert "not JSON" in answer.json()["detail"]


async def test_a_body_of_another_content_type_is_told_which_to_send(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/things", content=b'{"name": "x"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400
    assert "application/json" in answer.json()["detail"]
