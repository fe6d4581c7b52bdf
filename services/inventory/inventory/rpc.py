"""The gRPC door: decodes messages, calls the application, encodes messages."""

# ruff: noqa: N802, ARG002 - the generated base class names the methods and their arguments

from collections.abc import AsyncIterator
from typing import Any

import grpc
from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere.inventory.v1 import inventory_pb2_grpc as pb_grpc
from shopsphere_kit import grpc_server
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.settings import HttpSettings

from inventory import answers, messages, scopes, terms_messages
from inventory.application import Inventory

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["InventoryService"].full_name
SCOPES = {
    f"/{SERVICE_NAME}/GetAvailability": scopes.AVAILABILITY_READ,
    f"/{SERVICE_NAME}/BatchGetAvailability": scopes.AVAILABILITY_READ,
    f"/{SERVICE_NAME}/CreateReservation": scopes.RESERVATIONS_WRITE,
    f"/{SERVICE_NAME}/GetReservation": scopes.RESERVATIONS_READ,
    f"/{SERVICE_NAME}/ExtendReservation": scopes.RESERVATIONS_WRITE,
    f"/{SERVICE_NAME}/TransferReservation": scopes.RESERVATIONS_WRITE,
    f"/{SERVICE_NAME}/ConfirmReservation": scopes.RESERVATIONS_WRITE,
    f"/{SERVICE_NAME}/ReleaseReservation": scopes.RESERVATIONS_WRITE,
    f"/{SERVICE_NAME}/AdjustStock": scopes.STOCK_WRITE,
    f"/{SERVICE_NAME}/GetLedger": scopes.LEDGER_READ,
    f"/{SERVICE_NAME}/SetTerms": scopes.TERMS_WRITE,
    f"/{SERVICE_NAME}/GetTerms": scopes.TERMS_READ,
    f"/{SERVICE_NAME}/Watch": scopes.AVAILABILITY_READ,
}
Context = grpc.aio.ServicerContext[Any, Any]


class InventoryServicer(pb_grpc.InventoryServiceServicer):
    """Each method calls the application's method of the same name."""

    def __init__(self, inventory: Inventory, verifier: TokenVerifier) -> None:
        self._inventory = inventory
        self._verifier = verifier

    async def GetAvailability(self, request: pb.GetAvailabilityRequest, context: Context) -> pb.Availability:
        """What can be promised of a sku."""
        return messages.availability(await self._inventory.availability(request.sku, messages.view_of(request)))

    async def BatchGetAvailability(
        self, request: pb.BatchGetAvailabilityRequest, context: Context
    ) -> pb.BatchGetAvailabilityResponse:
        """What can be promised of several skus."""
        found = await self._inventory.batch_availability(list(request.skus), messages.view_of(request))
        return pb.BatchGetAvailabilityResponse(
            as_of=messages.timestamp(found.as_of),
            epoch=found.epoch,
            version=found.version,
            availabilities=[messages.availability(each) for each in found.availabilities],
            missing=found.missing,
        )

    async def CreateReservation(self, request: pb.CreateReservationRequest, context: Context) -> pb.Reservation:
        """Hold every line or none, or what there is of each."""
        reservation = await self._inventory.reserve(
            self._client_id(context),
            request.idempotency_key,
            messages.lines_of(request.lines),
            request.expires_in_seconds,
            allow_partial=request.allow_partial,
            channel=request.channel,
        )
        return await _told(reservation, context)

    async def GetReservation(self, request: pb.GetReservationRequest, context: Context) -> pb.Reservation:
        """The reservation as it stands now."""
        return messages.reservation(await self._inventory.reservation(request.reservation_id))

    async def ExtendReservation(self, request: pb.ExtendReservationRequest, context: Context) -> pb.Reservation:
        """Hold for at least so long from now on."""
        client_id = self._client_id(context)
        reservation = await self._inventory.extend(
            client_id, request.idempotency_key, request.reservation_id, request.expires_in_seconds
        )
        return await _told(reservation, context)

    async def TransferReservation(self, request: pb.TransferReservationRequest, context: Context) -> pb.Reservation:
        """Hold the same units at another location."""
        reservation = await self._inventory.transfer(
            self._client_id(context),
            request.idempotency_key,
            request.reservation_id,
            request.to_location,
            request.from_location,
        )
        return await _told(reservation, context)

    async def ConfirmReservation(self, request: pb.ConfirmReservationRequest, context: Context) -> pb.Reservation:
        """The held units leave, or those that the request names."""
        reservation = await self._inventory.confirm(
            self._client_id(context), request.idempotency_key, request.reservation_id, messages.lines_of(request.lines)
        )
        return await _told(reservation, context)

    async def ReleaseReservation(self, request: pb.ReleaseReservationRequest, context: Context) -> pb.Reservation:
        """The held units are free again."""
        client_id = self._client_id(context)
        reservation = await self._inventory.release(client_id, request.idempotency_key, request.reservation_id)
        return await _told(reservation, context)

    async def AdjustStock(self, request: pb.AdjustStockRequest, context: Context) -> pb.AdjustStockResponse:
        """Change, set, count or move units, all of the batch or nothing."""
        adjustments = messages.adjustments_of(request.adjustments)
        made = await self._inventory.adjust(self._client_id(context), request.idempotency_key, adjustments)
        await _mark(context, is_replay=made.is_replay)
        return messages.adjusted(made)

    async def GetLedger(self, request: pb.GetLedgerRequest, context: Context) -> pb.Ledger:
        """A sku on all its shelves, now or as it was recorded then."""
        at = messages.moment_of(request.at, "at") if request.HasField("at") else None
        return messages.ledger(await self._inventory.ledger(request.sku, at, request.entries))

    async def SetTerms(self, request: pb.SetTermsRequest, context: Context) -> pb.SetTermsResponse:
        """Let terms hold from now on, all of the batch or none."""
        terms = terms_messages.terms_of(request.terms)
        made = await self._inventory.set_terms(self._client_id(context), request.idempotency_key, terms)
        await _mark(context, is_replay=made.is_replay)
        return pb.SetTermsResponse(count=made.count, as_of=messages.timestamp(made.as_of), epoch=made.epoch)

    async def GetTerms(self, request: pb.GetTermsRequest, context: Context) -> pb.Terms:
        """The safety stocks that hold, and of a sku all its terms."""
        return terms_messages.told(await self._inventory.terms(request.sku))

    async def Watch(self, request: pb.WatchRequest, context: Context) -> AsyncIterator[pb.Change]:
        """What changes, until the client ends the call."""
        client_id = self._client_id(context)
        watch = await self._inventory.watch(client_id, request.after, request.skus, request.location)
        # A call that is cancelled while a message is on its way does not come back here.
        context.add_done_callback(lambda _: watch.close())  # type: ignore[arg-type]  # any callable will do
        async for batch in watch:
            for message in messages.changes(batch):
                yield message

    def _client_id(self, context: Context) -> str:
        return grpc_server.caller_of(context, self._verifier).client_id


async def _mark(context: Context, *, is_replay: bool) -> None:
    if is_replay:
        await context.send_initial_metadata((("idempotency-replayed", "true"),))


async def _told(reservation: answers.Reservation, context: Context) -> pb.Reservation:
    await _mark(context, is_replay=reservation.is_replay)
    return messages.reservation(reservation)


def create_server(
    inventory: Inventory, verifier: TokenVerifier, settings: HttpSettings, port: int
) -> grpc_server.GrpcServer:
    """The door, with everything that all doors share."""
    return grpc_server.create_server(
        service="inventory",
        servicers=[(pb_grpc.add_InventoryServiceServicer_to_server, InventoryServicer(inventory, verifier))],
        names=[SERVICE_NAME],
        verifier=verifier,
        scopes=SCOPES,
        host=settings.host,
        port=port,
        timeout_seconds=settings.request_timeout_seconds,
    )
