"""The REST door: decodes JSON, calls the application, encodes JSON."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Query, Response, status
from pydantic import AwareDatetime
from shopsphere_kit import http
from shopsphere_kit.auth import Caller, TokenVerifier
from shopsphere_kit.health import Readiness
from shopsphere_kit.settings import HttpSettings

from inventory import answers, event_stream, scopes
from inventory.application import Inventory
from inventory.bodies import (
    AvailabilityAnswer,
    BatchAnswer,
    BatchGetBody,
    Channel,
    ConfirmBody,
    Date,
    ExtendBody,
    Location,
    ReservationAnswer,
    ReservationBody,
    Sku,
    TransferBody,
    view_of,
)
from inventory.requests import ENTRIES_DEFAULT
from inventory.stock_bodies import AdjustmentsAnswer, AdjustmentsBody, LedgerAnswer
from inventory.terms_bodies import TermsAnswer, TermsBody, TermsSetAnswer

Reader = Annotated[Caller, http.require(scopes.AVAILABILITY_READ)]
ReservationReader = Annotated[Caller, http.require(scopes.RESERVATIONS_READ)]
Writer = Annotated[Caller, http.require(scopes.RESERVATIONS_WRITE)]
StockWriter = Annotated[Caller, http.require(scopes.STOCK_WRITE)]
TermsWriter = Annotated[Caller, http.require(scopes.TERMS_WRITE)]
TermsReader = Annotated[Caller, http.require(scopes.TERMS_READ)]
LedgerReader = Annotated[Caller, http.require(scopes.LEDGER_READ)]
IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", description="Required; the same key replays the first answer.")
]


def _mark(response: Response, *, is_replay: bool) -> None:
    if is_replay:
        response.headers["Idempotency-Replayed"] = "true"


def _told(reservation: answers.Reservation, response: Response) -> ReservationAnswer:
    _mark(response, is_replay=reservation.is_replay)
    return ReservationAnswer.of(reservation)


def _availability_routes(inventory: Inventory) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["availability"])

    @router.get("/availability/{sku}")
    async def get_availability(
        sku: Sku,
        _: Reader,
        location: Annotated[Location | None, Query()] = None,
        channel: Annotated[Channel | None, Query()] = None,
        date: Annotated[Date | None, Query()] = None,
    ) -> AvailabilityAnswer:
        """What can be promised of a sku, at a location or at all, in a channel, with what is incoming up to a date."""
        return AvailabilityAnswer.of(await inventory.availability(sku, view_of(location, channel, date)))

    @router.post("/availability:batchGet")
    async def batch_get_availability(body: BatchGetBody, _: Reader) -> BatchAnswer:
        """What can be promised of several skus, all at one moment."""
        found = await inventory.batch_availability(body.skus, body.view())
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
        """Hold every line or none, or with `allow_partial` what there is of each."""
        reservation = await inventory.reserve(
            caller.client_id,
            key,
            body.asked(),
            body.expires_in_seconds,
            allow_partial=body.allow_partial,
            channel=body.channel or "",
        )
        response.headers["Location"] = f"/v1/reservations/{reservation.hold.reservation_id}"
        return _told(reservation, response)

    @router.get("/reservations/{reservation_id}")
    async def get_reservation(reservation_id: str, _: ReservationReader) -> ReservationAnswer:
        """The reservation as it stands now."""
        return ReservationAnswer.of(await inventory.reservation(reservation_id))

    @router.post("/reservations/{reservation_id}:extend")
    async def extend_reservation(
        reservation_id: str, body: ExtendBody, caller: Writer, response: Response, key: IdempotencyKey = ""
    ) -> ReservationAnswer:
        """Hold for at least so long from now on."""
        reservation = await inventory.extend(caller.client_id, key, reservation_id, body.expires_in_seconds)
        return _told(reservation, response)

    @router.post("/reservations/{reservation_id}:transfer")
    async def transfer_reservation(
        reservation_id: str, body: TransferBody, caller: Writer, response: Response, key: IdempotencyKey = ""
    ) -> ReservationAnswer:
        """Hold the same units at another location, all or none."""
        reservation = await inventory.transfer(
            caller.client_id, key, reservation_id, body.to_location, body.from_location or ""
        )
        return _told(reservation, response)

    @router.post("/reservations/{reservation_id}:confirm")
    async def confirm_reservation(
        reservation_id: str,
        caller: Writer,
        response: Response,
        body: ConfirmBody | None = None,
        key: IdempotencyKey = "",
    ) -> ReservationAnswer:
        """The held units leave: on hand and reserved both fall. With a body only its lines; the rest is free again."""
        lines = body.asked() if body else []
        return _told(await inventory.confirm(caller.client_id, key, reservation_id, lines), response)

    @router.post("/reservations/{reservation_id}:release")
    async def release_reservation(
        reservation_id: str, caller: Writer, response: Response, key: IdempotencyKey = ""
    ) -> ReservationAnswer:
        """The held units are free again."""
        return _told(await inventory.release(caller.client_id, key, reservation_id), response)

    return router


def _stock_routes(inventory: Inventory) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["stock"])

    @router.post("/adjustments:batch")
    async def adjust_stock(
        body: AdjustmentsBody, caller: StockWriter, response: Response, key: IdempotencyKey = ""
    ) -> AdjustmentsAnswer:
        """Change, set, count or move units, all of the batch or nothing."""
        made = await inventory.adjust(caller.client_id, key, [each.asked() for each in body.adjustments])
        _mark(response, is_replay=made.is_replay)
        return AdjustmentsAnswer.of(made)

    @router.get("/ledger/{sku}")
    async def get_ledger(
        sku: Sku,
        _: LedgerReader,
        at: Annotated[AwareDatetime | None, Query()] = None,
        entries: Annotated[int, Query()] = ENTRIES_DEFAULT,
    ) -> LedgerAnswer:
        """A sku on all its shelves now, or as it was recorded at `at`, with the newest entries of its journals."""
        return LedgerAnswer.of(await inventory.ledger(sku, at, entries))

    return router


def _terms_routes(inventory: Inventory) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["terms"])

    @router.post("/terms:batch")
    async def set_terms(
        body: TermsBody, caller: TermsWriter, response: Response, key: IdempotencyKey = ""
    ) -> TermsSetAnswer:
        """Let terms hold from now on, all of the batch or none."""
        made = await inventory.set_terms(caller.client_id, key, [each.asked() for each in body.terms])
        _mark(response, is_replay=made.is_replay)
        return TermsSetAnswer(count=made.count, as_of=made.as_of, epoch=made.epoch)

    @router.get("/terms")
    async def get_terms(_: TermsReader, sku: Annotated[Sku | None, Query()] = None) -> TermsAnswer:
        """The safety stocks that hold, and of a sku all its terms."""
        return TermsAnswer.of(await inventory.terms(sku or ""))

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
    app.include_router(_stock_routes(inventory))
    app.include_router(_terms_routes(inventory))
    app.include_router(event_stream.routes(inventory))
    return app
