"""A decision as it is answered, kept and published."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import msgspec

from fraud.orders import Order
from fraud.scoring import Verdict
from fraud.units import rfc3339

SOURCE = "fraud"
# A fixed namespace makes the event id a function of the answer's key: a replayed answer is the same event.
EVENT_NAMESPACE = uuid.UUID("5f0f4a35-7b0e-5c1d-9a5e-6d1f9f2f7c11")


@dataclass(frozen=True, slots=True)
class OrderScored:
    """What checkout was told about an order, and when."""

    order_id: str
    decision: str
    score: float | None
    score_bits: str | None
    reasons: tuple[str, ...]
    model_version: str
    decided_at: datetime


def scored(order: Order, verdict: Verdict, decided_at: datetime) -> OrderScored:
    """State a verdict as an answer."""
    return OrderScored(
        order_id=order.order_id,
        decision=verdict.decision.value,
        score=verdict.score,
        score_bits=verdict.score_bits,
        reasons=verdict.reasons,
        model_version=verdict.model_version,
        decided_at=decided_at,
    )


def encode_answer(answer: OrderScored) -> bytes:
    """Write an answer as JSON; its score reads back to the same bits."""
    return msgspec.json.encode(answer)


def decode_answer(content: bytes) -> OrderScored:
    """Read what encode_answer wrote."""
    return msgspec.json.decode(content, type=OrderScored)


def encode_event(answer: OrderScored, order: Order, answer_key: str) -> bytes:
    """Write the answer as an event for the topic fraud-decisions; its time of occurrence is the order's."""
    event = {
        "event_id": str(uuid.uuid5(EVENT_NAMESPACE, answer_key)),
        **msgspec.to_builtins(answer),
        "occurred_at": rfc3339(order.ordered_at_ms),
        "source": SOURCE,
    }
    return msgspec.json.encode(event)
