"""The REST door: decode, ask the directory, encode."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from shopsphere_kit import http
from shopsphere_kit.auth import Caller

from customer360.dashboard_access import DashboardAccess
from customer360.directory import (
    LOOKUP_SCOPE,
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    PROFILES_SCOPE,
    CustomerAnswer,
    CustomerDirectory,
    ReleaseAnswer,
    TimelineAnswer,
)

DASHBOARD_SCOPE = "customer360.dashboard.write"
# An answer belongs to one caller's view, and may be kept as long as the ETag still holds.
CACHE_CONTROL = "private, no-cache"


class Lookup(BaseModel):
    """Whom to look for: either an e-mail or a phone, in any usual spelling."""

    model_config = ConfigDict(extra="forbid")

    email: str | None = Field(None, max_length=320, examples=["maria@example.com"])
    phone: str | None = Field(None, max_length=64, examples=["+12065550142"])


class SignInRequest(BaseModel):
    """What the holder of the code may see; at most the caller's own scopes."""

    model_config = ConfigDict(extra="forbid")

    scopes: list[str] = Field(min_length=1, max_length=16, examples=[[PROFILES_SCOPE]])


@dataclass(frozen=True, slots=True)
class SignInAnswer:
    """A one-time code and the link that carries it."""

    code: str
    url: str
    scopes: tuple[str, ...]
    expires_at: datetime


def customers(directory: CustomerDirectory) -> APIRouter:
    """The routes that read customers."""
    router = APIRouter(prefix="/v1", tags=["customers"])
    reader = http.require(PROFILES_SCOPE)

    @router.get("/release")
    async def get_release(_: Annotated[Caller, reader]) -> ReleaseAnswer:
        """The release that answers come from."""
        return directory.release()

    @router.get(
        "/customers/{customer_id}",
        response_model=CustomerAnswer,
        responses={304: {"description": "Not modified"}, 410: {"description": "The customer was deleted"}},
    )
    async def get_customer(
        customer_id: str,
        response: Response,
        caller: Annotated[Caller, reader],
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> CustomerAnswer | Response:
        """One customer; personal fields are masked without customer360.personal.read."""
        answer = directory.customer(caller.scopes, customer_id)
        headers = {"ETag": answer.etag, "Cache-Control": CACHE_CONTROL, "Vary": "Authorization"}
        if if_none_match and _matches(if_none_match, answer.etag):
            return Response(status_code=304, headers=headers)
        response.headers.update(headers)
        return answer

    @router.post("/customers:lookup", response_model=CustomerAnswer)
    async def lookup_customer(
        body: Lookup, response: Response, caller: Annotated[Caller, http.require(LOOKUP_SCOPE)]
    ) -> CustomerAnswer:
        """The one customer known under an e-mail or a phone."""
        response.headers["Cache-Control"] = "no-store"
        return directory.lookup(caller.scopes, email=body.email, phone=body.phone)

    @router.get("/customers/{customer_id}/timeline", response_model=TimelineAnswer)
    async def list_timeline(
        customer_id: str,
        response: Response,
        _: Annotated[Caller, reader],
        page_size: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT,
        page_token: Annotated[str, Query(max_length=256)] = "",
    ) -> TimelineAnswer:
        """What happened to the customer, newest first; a page token keeps to the release of its first page."""
        response.headers["Cache-Control"] = CACHE_CONTROL
        return directory.timeline(customer_id, page_size=page_size, page_token=page_token)

    return router


def signin_codes(access: DashboardAccess) -> APIRouter:
    """The route that lets a client send a person to the dashboard."""
    router = APIRouter(prefix="/v1/dashboard", tags=["dashboard"])

    @router.post("/signin-codes", status_code=201, response_model=SignInAnswer)
    async def create_signin_code(
        body: SignInRequest, caller: Annotated[Caller, http.require(DASHBOARD_SCOPE)]
    ) -> SignInAnswer:
        """A one-time code; every call gives a new one, and a code that is not used lapses by itself.

        An Idempotency-Key has no effect here: a code is a fresh secret of which only a hash is kept, so the first
        answer cannot be given again. A caller that retries gets another code.
        """
        code, ticket = access.mint(body.scopes, caller)
        return SignInAnswer(code, access.link(code), tuple(sorted(ticket.scopes)), ticket.expires_at)

    return router


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2)."""
    candidates = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in candidates or etag in candidates
