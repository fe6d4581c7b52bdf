"""The gRPC door: decode, ask the directory, encode."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import grpc
from shopsphere.customer360.v1 import customer360_pb2 as pb
from shopsphere.customer360.v1 import customer360_pb2_grpc as pb_grpc
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.grpc_server import caller_of

from customer360.directory import LOOKUP_SCOPE, PROFILES_SCOPE, CustomerAnswer, CustomerDirectory, TimelineAnswer

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["CustomerService"].full_name
SCOPES: Mapping[str, str] = {
    f"/{SERVICE_NAME}/GetCustomer": PROFILES_SCOPE,
    f"/{SERVICE_NAME}/LookupCustomer": LOOKUP_SCOPE,
    f"/{SERVICE_NAME}/ListTimeline": PROFILES_SCOPE,
    f"/{SERVICE_NAME}/GetRelease": PROFILES_SCOPE,
}
Context = grpc.aio.ServicerContext[Any, Any]


class CustomerService(pb_grpc.CustomerServiceServicer):
    """`shopsphere.customer360.v1.CustomerService` over a directory."""

    def __init__(self, directory: CustomerDirectory, verifier: TokenVerifier) -> None:
        self._directory = directory
        self._verifier = verifier

    async def GetCustomer(self, request: pb.GetCustomerRequest, context: Context) -> pb.Customer:  # noqa: N802
        """One customer."""
        caller = caller_of(context, self._verifier)
        return customer_message(self._directory.customer(caller.scopes, request.customer_id))

    async def LookupCustomer(self, request: pb.LookupCustomerRequest, context: Context) -> pb.Customer:  # noqa: N802
        """The one customer known under an e-mail or a phone."""
        caller = caller_of(context, self._verifier)
        found = self._directory.lookup(caller.scopes, email=request.email or None, phone=request.phone or None)
        return customer_message(found)

    async def ListTimeline(  # noqa: N802
        self, request: pb.ListTimelineRequest, _context: Context
    ) -> pb.ListTimelineResponse:
        """What happened to the customer, newest first."""
        answer = self._directory.timeline(
            request.customer_id, page_size=request.page_size or None, page_token=request.page_token
        )
        return timeline_message(answer)

    async def GetRelease(self, _request: pb.GetReleaseRequest, _context: Context) -> pb.Release:  # noqa: N802
        """The release that answers come from."""
        return pb.Release(**wire(self._directory.release()))


def customer_message(answer: CustomerAnswer) -> pb.Customer:
    """The answer as a message."""
    return pb.Customer(
        release_id=answer.release_id,
        masked=answer.masked,
        customer_id=answer.customer_id,
        person=pb.Person(**wire(answer.person)),
        household=pb.Household(**wire(answer.household)),
        marketing_consent=answer.marketing_consent,
        accounts=[pb.SourceAccount(**wire(account)) for account in answer.accounts],
        figures=pb.KeyFigures(**wire(answer.figures)),
        timeline_count=answer.timeline_count,
        version=answer.version,
    )


def timeline_message(answer: TimelineAnswer) -> pb.ListTimelineResponse:
    """The answer as a message."""
    return pb.ListTimelineResponse(
        release_id=answer.release_id,
        customer_id=answer.customer_id,
        total_size=answer.total_size,
        start=answer.start,
        entries=[pb.TimelineEntry(**wire(entry)) for entry in answer.entries],
        next_page_token=answer.next_page_token,
    )


def wire(record: Any) -> dict[str, Any]:
    """A flat dataclass as keyword arguments of its message: amounts and dates as text, None left unset."""
    return {field.name: _wire_value(getattr(record, field.name)) for field in fields(record)}


def _wire_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value
