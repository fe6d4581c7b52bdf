"""The REST door: decodes JSON, calls the application, encodes JSON."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, FastAPI, Header, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field
from shopsphere_kit import http
from shopsphere_kit.auth import Caller, TokenVerifier
from shopsphere_kit.health import Readiness
from shopsphere_kit.settings import HttpSettings

from inventory import application, scopes
from inventory.application import EXPIRES_IN_SECONDS_MAX, LINES_MAX, SKUS_MAX, Inventory
from inventory.journal import NAME, Item
from inventory.stock import UNITS_MAX, HoldState, Line

Reader = Annotated[Caller, http.require(scopes.AVAILABILITY_READ)]
ReservationReader = Annotated[Caller, http.require(scopes.RESERVATIONS_READ)]
Writer = Annotated[Caller, http.require(scopes.RESERVATIONS_WRITE)]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", description="Required; the same key replays the first answer.")
]
_NAME_SCHEMA = {"pattern": f"^{NAME.pattern}$"}
# The bounds stand in the schema for clients to see; the application checks them, with one wording for both doors.
Sku = Annotated[str, Field(json_schema_extra={**_NAME_SCHEMA}, examples=["P1082185"])]
Location = Annotated[str, Field(json_schema_extra={**_NAME_SCHEMA}, examples=["S367"])]
Units = Annotated[int, Field(strict=True, json_schema_extra={"minimum": 1, "maximum": UNITS_MAX})]
Seconds = Annotated[int, Field(strict=True, json_schema_extra={"minimum": 1, "maximum": EXPIRES_IN_SECONDS_MAX})]

Epoch = Annotated[int, Field(description="The data set that answered; holds of another epoch may be gone.")]


class _Request(BaseModel):
    """A body that refuses fields nobody reads, so that a typing error is not taken for a default."""

    model_config = ConfigDict(extra="forbid")


class BatchGetBody(_Request):
    """The skus asked for, at one location or at all."""

    skus: Annotated[list[Sku], Field(json_schema_extra={"minItems": 1, "maxItems": SKUS_MAX})]
    location: Location | None = None


class LineBody(_Request):
    """Units of one sku at one location."""

    sku: Sku
    location: Location
    quantity: Units


class ReservationBody(_Request):
    """A basket, and how long to hold it."""

    lines: Annotated[list[LineBody], Field(json_schema_extra={"minItems": 1, "maxItems": LINES_MAX})]
    expires_in_seconds: Seconds


class LocationAnswer(BaseModel):
    """Availability at one location, units."""

    location: str
    on_hand: int
    reserved: int
    available_to_promise: int
    version: int


class AvailabilityAnswer(BaseModel):
    """Availability of one sku; its own figures are the sums over `locations`."""

    sku: str
    on_hand: int
    reserved: int
    available_to_promise: int
    version: int
    as_of: datetime
    epoch: Epoch
    locations: list[LocationAnswer]

    @classmethod
    def of(cls, found: application.SkuAvailability) -> Self:
        """Encode what the application found."""
        locations = [
            LocationAnswer(
                location=location,
                on_hand=balance.on_hand,
                reserved=balance.reserved,
                available_to_promise=balance.available_to_promise,
                version=balance.version,
            )
            for location, balance in found.locations.items()
        ]
        return cls(
            sku=found.sku,
            on_hand=found.on_hand,
            reserved=found.reserved,
            available_to_promise=found.available_to_promise,
            version=found.version,
            as_of=found.as_of,
            epoch=found.epoch,
            locations=locations,
        )


class BatchAnswer(BaseModel):
    """Availability of the known skus, and the skus without a stock record."""

    as_of: datetime
    epoch: Epoch
    version: int
    availabilities: list[AvailabilityAnswer]
    missing: list[str]


class LineAnswer(BaseModel):
    """Units of one sku at one location."""

    sku: str
    location: str
    quantity: int


class ReservationAnswer(BaseModel):
    """A reservation as it was at `as_of`."""

    reservation_id: str
    state: HoldState
    lines: list[LineAnswer]
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    version: int
    as_of: datetime
    epoch: Epoch

    @classmethod
    def of(cls, reservation: application.Reservation) -> Self:
        """Encode what the application answered."""
        hold = reservation.hold
        return cls(
            reservation_id=hold.reservation_id,
            state=hold.state,
            lines=[
                LineAnswer(sku=line.item.sku, location=line.item.location, quantity=line.quantity)
                for line in hold.lines
            ],
            created_at=hold.created_at,
            expires_at=hold.expires_at,
            ended_at=hold.ended_at,
            version=hold.version,
            as_of=reservation.as_of,
            epoch=reservation.epoch,
        )


def _told(reservation: application.Reservation, response: Response) -> ReservationAnswer:
    if reservation.is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    return ReservationAnswer.of(reservation)


def _availability_routes(inventory: Inventory) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["availability"])

    @router.get("/availability/{sku}")
    async def get_availability(
        sku: Sku, _: Reader, location: Annotated[Location | None, Query()] = None
    ) -> AvailabilityAnswer:
        """What can be promised of a sku, at one location or at all."""
        return AvailabilityAnswer.of(await inventory.availability(sku, location))

    @router.post("/availability:batchGet")
    async def batch_get_availability(body: BatchGetBody, _: Reader) -> BatchAnswer:
        """What can be promised of several skus, all at one moment."""
        found = await inventory.batch_availability(body.skus, body.location)
        return BatchAnswer(
            as_of=found.as_of,
            epoch=found.epoch,
            version=found.version,
            availabilities=[AvailabilityAnswer.of(each) for each in found.availabilities],
            missing=list(found.missing),
        )

    return router


def _reservation_routes(inventory: Inventory) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["reservations"])

    @router.post("/reservations", status_code=status.HTTP_201_CREATED)
    async def create_reservation(
        body: ReservationBody, caller: Writer, response: Response, key: IdempotencyKey = ""
    ) -> ReservationAnswer:
        """Hold every line, or none."""
        lines = [Line(Item(line.sku, line.location), line.quantity) for line in body.lines]
        reservation = await inventory.reserve(caller.client_id, key, lines, body.expires_in_seconds)
        response.headers["Location"] = f"/v1/reservations/{reservation.hold.reservation_id}"
        return _told(reservation, response)

    @router.get("/reservations/{reservation_id}")
    async def get_reservation(reservation_id: str, _: ReservationReader) -> ReservationAnswer:
        """The reservation as it stands now."""
        return ReservationAnswer.of(await inventory.reservation(reservation_id))

    @router.post("/reservations/{reservation_id}:confirm")
    async def confirm_reservation(
        reservation_id: str, caller: Writer, response: Response, key: IdempotencyKey = ""
    ) -> ReservationAnswer:
        """The held units leave: on hand and reserved both fall."""
        return _told(await inventory.confirm(caller.client_id, key, reservation_id), response)

    @router.post("/reservations/{reservation_id}:release")
    async def release_reservation(
        reservation_id: str, caller: Writer, response: Response, key: IdempotencyKey = ""
    ) -> ReservationAnswer:
        """The held units are free again."""
        return _told(await inventory.release(caller.client_id, key, reservation_id), response)

    return router


def create_app(
    inventory: Inventory, verifier: TokenVerifier, readiness: Readiness, settings: HttpSettings, version: str
) -> FastAPI:
    """The door, with everything that all doors share."""
    app = http.create_app(
        service="inventory", version=version, verifier=verifier, readiness=readiness, settings=settings
    )
    app.include_router(_availability_routes(inventory))
    app.include_router(_reservation_routes(inventory))
    return app
