"""The gRPC door: decodes messages, calls the application, encodes messages."""

# ruff: noqa: N802, ARG002 - the generated base class names the methods and their arguments

from datetime import datetime
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere.inventory.v1 import inventory_pb2_grpc as pb_grpc
from shopsphere_kit import grpc_server
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.settings import HttpSettings

from inventory import application, scopes
from inventory.application import Inventory
from inventory.journal import Item
from inventory.stock import HoldState, Line

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["InventoryService"].full_name
SCOPES = {
    f"/{SERVICE_NAME}/GetAvailability": scopes.AVAILABILITY_READ,
    f"/{SERVICE_NAME}/BatchGetAvailability": scopes.AVAILABILITY_READ,
    f"/{SERVICE_NAME}/CreateReservation": scopes.RESERVATIONS_WRITE,
    f"/{SERVICE_NAME}/GetReservation": scopes.RESERVATIONS_READ,
    f"/{SERVICE_NAME}/ConfirmReservation": scopes.RESERVATIONS_WRITE,
    f"/{SERVICE_NAME}/ReleaseReservation": scopes.RESERVATIONS_WRITE,
}
STATES = {
    HoldState.HELD: pb.RESERVATION_STATE_HELD,
    HoldState.CONFIRMED: pb.RESERVATION_STATE_CONFIRMED,
    HoldState.RELEASED: pb.RESERVATION_STATE_RELEASED,
    HoldState.EXPIRED: pb.RESERVATION_STATE_EXPIRED,
}
Context = grpc.aio.ServicerContext[Any, Any]


class InventoryServicer(pb_grpc.InventoryServiceServicer):
    """Each method calls the application's method of the same name."""

    def __init__(self, inventory: Inventory, verifier: TokenVerifier) -> None:
        self._inventory = inventory
        self._verifier = verifier

    async def GetAvailability(self, request: pb.GetAvailabilityRequest, context: Context) -> pb.Availability:
        """What can be promised of a sku."""
        return _availability(await self._inventory.availability(request.sku, request.location or None))

    async def BatchGetAvailability(
        self, request: pb.BatchGetAvailabilityRequest, context: Context
    ) -> pb.BatchGetAvailabilityResponse:
        """What can be promised of several skus."""
        found = await self._inventory.batch_availability(list(request.skus), request.location or None)
        return pb.BatchGetAvailabilityResponse(
            as_of=_timestamp(found.as_of),
            epoch=found.epoch,
            version=found.version,
            availabilities=[_availability(each) for each in found.availabilities],
            missing=found.missing,
        )

    async def CreateReservation(self, request: pb.CreateReservationRequest, context: Context) -> pb.Reservation:
        """Hold every line, or none."""
        lines = [Line(Item(line.sku, line.location), line.quantity) for line in request.lines]
        client_id = self._client_id(context)
        reservation = await self._inventory.reserve(
            client_id, request.idempotency_key, lines, request.expires_in_seconds
        )
        return await _told(reservation, context)

    async def GetReservation(self, request: pb.GetReservationRequest, context: Context) -> pb.Reservation:
        """The reservation as it stands now."""
        return _reservation(await self._inventory.reservation(request.reservation_id))

    async def ConfirmReservation(self, request: pb.ConfirmReservationRequest, context: Context) -> pb.Reservation:
        """The held units leave."""
        client_id = self._client_id(context)
        reservation = await self._inventory.confirm(client_id, request.idempotency_key, request.reservation_id)
        return await _told(reservation, context)

    async def ReleaseReservation(self, request: pb.ReleaseReservationRequest, context: Context) -> pb.Reservation:
        """The held units are free again."""
        client_id = self._client_id(context)
        reservation = await self._inventory.release(client_id, request.idempotency_key, request.reservation_id)
        return await _told(reservation, context)

    def _client_id(self, context: Context) -> str:
        return grpc_server.caller_of(context, self._verifier).client_id


async def _told(reservation: application.Reservation, context: Context) -> pb.Reservation:
    if reservation.is_replay:
        await context.send_initial_metadata((("idempotency-replayed", "true"),))
    return _reservation(reservation)


def _timestamp(moment: datetime) -> Timestamp:
    encoded = Timestamp()
    encoded.FromDatetime(moment)
    return encoded


def _availability(found: application.SkuAvailability) -> pb.Availability:
    return pb.Availability(
        sku=found.sku,
        on_hand=found.on_hand,
        reserved=found.reserved,
        available_to_promise=found.available_to_promise,
        version=found.version,
        as_of=_timestamp(found.as_of),
        epoch=found.epoch,
        locations=[
            pb.LocationAvailability(
                location=location,
                on_hand=balance.on_hand,
                reserved=balance.reserved,
                available_to_promise=balance.available_to_promise,
                version=balance.version,
            )
            for location, balance in found.locations.items()
        ],
    )


def _reservation(reservation: application.Reservation) -> pb.Reservation:
    hold = reservation.hold
    return pb.Reservation(
        reservation_id=hold.reservation_id,
        state=STATES[hold.state],
        lines=[
            pb.ReservationLine(sku=line.item.sku, location=line.item.location, quantity=line.quantity)
            for line in hold.lines
        ],
        created_at=_timestamp(hold.created_at),
        expires_at=_timestamp(hold.expires_at),
        ended_at=_timestamp(hold.ended_at) if hold.ended_at else None,
        version=hold.version,
        as_of=_timestamp(reservation.as_of),
        epoch=reservation.epoch,
    )


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
