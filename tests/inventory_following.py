"""Followers of the changes of stock: one over Server-Sent Events, one over gRPC, behind one way of reading."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import grpc
import httpx
import uvicorn
from fastapi import FastAPI
from inventory_doors import Body, Doors, as_rest_would_say
from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere_kit.waiting import await_until

DEADLINE_SECONDS = 10


class RefusedFollowing(Exception):
    """A door's reason not to begin, or not to go on, and the field that it names."""

    def __init__(self, reason: str, field: str | None) -> None:
        super().__init__(reason)
        self.reason, self.field = reason, field


@dataclass(frozen=True)
class Told:
    """A change and its cursor, or a cursor alone."""

    cursor: str
    change: Body | None = None


class Follower(Protocol):
    """Reads a stream of changes."""

    async def next(self) -> Told | None:
        """What is told next, None at the end."""
        ...


async def changes(follower: Follower, count: int) -> list[Body]:
    """The next so many changes, whatever is told between them."""
    return [told.change for told in await told_changes(follower, count) if told.change]


async def told_changes(follower: Follower, count: int) -> list[Told]:
    """The same with their cursors."""
    found: list[Told] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(found) < count:
            told = await follower.next()
            assert told, f"the stream ended after {len(found)} changes"
            found += [told] if told.change else []
    return found


async def cursor_alone(follower: Follower) -> str:
    """The next cursor that is told without a change."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while told := await follower.next():
            if told.change is None:
                return told.cursor
    raise AssertionError("the stream ended")


class SseFollower:
    """Reads Server-Sent Events as the standard of HTML says."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> Told | None:
        """The next event, or the next id without data."""
        event: dict[str, str] = {}
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            elif event.get("event") == "problem":
                problem = json.loads(event["data"])
                raise RefusedFollowing(problem["type"].rpartition(":")[2], problem.get("field"))
            elif "id" in event:
                return Told(event["id"], json.loads(event["data"]) if "data" in event else None)
        return None


class GrpcFollower:
    """Reads the messages of a Watch."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def next(self) -> Told | None:
        """The next message."""
        try:
            message = await self._call.read()
        except grpc.aio.AioRpcError as error:
            trailing = dict(error.trailing_metadata() or ())
            field = trailing.get("field")
            raise RefusedFollowing(str(trailing["reason"]), None if field is None else str(field)) from error
        if message is grpc.aio.EOF:
            return None
        body = as_rest_would_say(message)
        return Told(body.pop("cursor"), body if body["sku"] else None)


class Follow(Protocol):
    """Begins to follow."""

    def __call__(
        self, after: str = "", skus: tuple[str, ...] = (), location: str = "", token: str = ""
    ) -> AbstractAsyncContextManager[Follower]: ...


def following(door: str, doors: Doors, address: str) -> Follow:
    """How one follows over a door."""

    @asynccontextmanager
    async def over_rest(
        after: str = "", skus: tuple[str, ...] = (), location: str = "", token: str = ""
    ) -> AsyncIterator[Follower]:
        params: Any = {"after": after, "sku": list(skus), "location": location}
        headers = {"Authorization": f"Bearer {token or doors.rest.token}"}
        async with follow_events(address, headers, params) as follower:
            yield follower

    @asynccontextmanager
    async def over_grpc(
        after: str = "", skus: tuple[str, ...] = (), location: str = "", token: str = ""
    ) -> AsyncIterator[Follower]:
        request = pb.WatchRequest(after=after, skus=skus, location=location)
        call = doors.grpc.stub.Watch(request, metadata=(("authorization", f"Bearer {token or doors.grpc.token}"),))
        yield GrpcFollower(call)
        call.cancel()

    return over_rest if door == "rest" else over_grpc


@asynccontextmanager
async def follow_events(address: str, headers: dict[str, str], params: Any = None) -> AsyncIterator[SseFollower]:
    """A follower of the events of REST; raises RefusedFollowing."""
    async with (
        httpx.AsyncClient(base_url=address, timeout=DEADLINE_SECONDS) as client,
        client.stream("GET", "/v1/changes", headers=headers, params=params) as response,
    ):
        if response.is_error:
            problem = json.loads(await response.aread())
            raise RefusedFollowing(problem["type"].rpartition(":")[2], problem.get("field"))
        yield SseFollower(response)


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """The address of a real server: httpx's transport within a process would wait for the end of a stream."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server._serve())

    async def has_started() -> bool:
        return server.started

    await await_until(has_started, deadline_seconds=DEADLINE_SECONDS, what="uvicorn", poll_seconds=0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task
