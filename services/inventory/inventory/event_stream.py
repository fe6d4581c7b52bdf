"""The change feed of the REST door: Server-Sent Events, as browsers and every HTTP client read them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel
from shopsphere_kit import http
from shopsphere_kit.auth import Caller
from shopsphere_kit.errors import ShopSphereError

from inventory import scopes
from inventory.application import Inventory
from inventory.bodies import Epoch, Location, Sku
from inventory.changes import Change, Changes
from inventory.feed import Watch
from inventory.journal import Bucket

Follower = Annotated[Caller, http.require(scopes.AVAILABILITY_READ)]
# What a browser waits before it comes back, milliseconds.
_RETRY = b"retry: 1000\n"
_DESCRIBED: dict[str, Any] = {
    "description": "Server-Sent Events of type `change`: the id is the cursor, the data a JSON object with sku,"
    " location, bucket, quantity, reserved, version, kind, as_of, epoch, and is_low where that changed.",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


class ChangeAnswer(BaseModel):
    """An item after a call that changed it; `is_low` only where it crossed the low-stock threshold."""

    sku: str
    location: str
    bucket: Bucket
    quantity: int
    reserved: int
    version: int
    kind: str
    as_of: datetime
    is_low: bool | None = None
    epoch: Epoch

    @classmethod
    def of(cls, change: Change) -> Self:
        """The answer that tells a change."""
        item = change.item
        return cls(
            sku=item.sku,
            location=item.location,
            bucket=item.bucket,
            quantity=change.quantity,
            reserved=change.reserved,
            version=change.version,
            kind=change.kind,
            as_of=change.as_of,
            is_low=change.is_low,
            epoch=change.cursor.epoch,
        )


def routes(inventory: Inventory) -> APIRouter:
    """The one route of the change feed."""
    router = APIRouter(prefix="/v1", tags=["changes"])

    @router.get("/changes", status_code=200, response_class=http.EventStream, responses={200: _DESCRIBED})
    async def get_changes(
        caller: Follower,
        after: Annotated[str, Query(description="The cursor of the last change seen; without one, from now.")] = "",
        sku: Annotated[list[Sku] | None, Query(description="Once for each sku wanted; without any, all.")] = None,
        location: Annotated[Location, Query()] = "",
        last_event_id: Annotated[str, Header(description="As `after`, and before it: browsers send it.")] = "",
    ) -> http.EventStream:
        """What changes, as Server-Sent Events, until the client ends it."""
        watch = await inventory.watch(caller.client_id, last_event_id or after, sku or (), location)
        return http.EventStream(_events(watch), watch.close)

    return router


async def _events(watch: Watch) -> AsyncIterator[bytes]:
    yield _RETRY
    try:
        async for batch in watch:
            yield _encode(batch)
    except ShopSphereError as error:
        # The status is long sent, so the stream itself says why it ends.
        yield b"event: problem\ndata: " + bytes(http.problem(error).body) + b"\n\n"


def _encode(batch: Changes) -> bytes:
    if not batch.changes:
        # An id without data is no event, but what the client comes back with.
        return f": heartbeat\nid: {batch.cursor}\n\n".encode()
    return "".join(
        f"id: {each.cursor}\nevent: change\ndata: {ChangeAnswer.of(each).model_dump_json(exclude_none=True)}\n\n"
        for each in batch.changes
    ).encode()
