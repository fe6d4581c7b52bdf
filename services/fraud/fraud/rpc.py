"""The gRPC door: FraudService of shopsphere/fraud/v1/fraud.proto."""

import json
from datetime import UTC
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from shopsphere.fraud.v1 import fraud_pb2, fraud_pb2_grpc
from shopsphere_kit.auth import TokenVerifier
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.grpc_server import caller_of

from fraud.checkout import Checkout, score_order
from fraud.decisions import OrderScored
from fraud.requests import OrderFields, checked_key, checked_order

NAME = "shopsphere.fraud.v1.FraudService"
SCOPES = {f"/{NAME}/Score": "fraud.score.write", f"/{NAME}/GetModel": "fraud.model.read"}
REGISTER = fraud_pb2_grpc.add_FraudServiceServicer_to_server
Context = grpc.aio.ServicerContext[Any, Any]


class FraudServicer(fraud_pb2_grpc.FraudServiceServicer):
    """Decodes, calls the same functions as REST, and encodes."""

    def __init__(self, checkout: Checkout, verifier: TokenVerifier) -> None:
        self._checkout = checkout
        self._verifier = verifier

    async def Score(  # noqa: N802 - the name in the contract
        self, request: fraud_pb2.ScoreRequest, context: Context
    ) -> fraud_pb2.ScoreResponse:
        """Decide about an order."""
        caller = caller_of(context, self._verifier)
        order = checked_order(_fields(request))
        named = score_order(caller.client_id, checked_key(request.idempotency_key), order)
        return _response(await self._checkout.score(named))

    async def GetModel(  # noqa: N802 - the name in the contract
        self,
        request: fraud_pb2.GetModelRequest,  # noqa: ARG002
        context: Context,  # noqa: ARG002
    ) -> fraud_pb2.GetModelResponse:
        """Show the card of the model in use."""
        served = self._checkout.slot.require()
        return fraud_pb2.GetModelResponse(model_version=served.model.version, card_json=json.dumps(served.card))


def _fields(request: fraud_pb2.ScoreRequest) -> OrderFields:
    """Read the order's fields."""
    return OrderFields(
        order_id=request.order_id,
        user_id=request.user_id if request.HasField("user_id") else None,
        store_id=request.store_id,
        card_token=request.card_token,
        amount=request.amount,
        currency=request.currency,
        units=request.units,
        line_count=request.line_count,
        ordered_at=request.ordered_at.ToDatetime(UTC) if _valid(request) else None,
    )


def _valid(request: fraud_pb2.ScoreRequest) -> bool:
    """Say whether ordered_at was sent; raises InvalidArgument when it is no time."""
    if not request.HasField("ordered_at"):
        return False
    try:
        request.ordered_at.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument("ordered_at is outside the years 1 to 9999", field="ordered_at") from error
    return True


def _response(answer: OrderScored) -> fraud_pb2.ScoreResponse:
    """Write an answer."""
    decided_at = Timestamp()
    decided_at.FromDatetime(answer.decided_at)
    return fraud_pb2.ScoreResponse(
        order_id=answer.order_id,
        decision=f"DECISION_{answer.decision.upper()}",
        score=answer.score,
        score_bits=answer.score_bits,
        reasons=answer.reasons,
        model_version=answer.model_version,
        decided_at=decided_at,
    )
