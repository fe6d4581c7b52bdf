"""Events as records on the topics: key, JSON value, and the moment at which they are handed over."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from shopsphere_kit import topics
from shopsphere_kit.events import BehaviourEvent, FraudLabel, StockMovement, encode_event

from shopsphere_local.journey.behaviour import Behaviour
from shopsphere_local.journey.chance import event_id
from shopsphere_local.journey.fraud import Label
from shopsphere_local.journey.stock import Movement

# Sequence numbers grow with the day and, within it, count from zero per source; no day has as many events.
_SEQUENCE_PER_DAY = 10_000_000


class Message(NamedTuple):
    """A record for a topic; due is when its source hands it over (not sent), can_be_late whether it may wait a day."""

    topic: str
    key: bytes
    value: bytes
    due: datetime
    can_be_late: bool
    identity: str


def movement_messages(day: int, movements: Iterable[Movement]) -> list[Message]:
    """One record per movement, keyed by sku@location, numbered per source; only sales may be late."""
    numbers: defaultdict[str, int] = defaultdict(lambda: day * _SEQUENCE_PER_DAY)
    return [_movement(movement, _next(numbers, movement.source)) for movement in movements]


def behaviour_messages(day: int, behaviours: Iterable[Behaviour]) -> list[Message]:
    """One record per step, keyed by session, numbered in the order of time; all may be late."""
    ordered = sorted(behaviours, key=lambda b: (b.occurred_at, b.session_id, b.nth))
    return [_behaviour(each, day * _SEQUENCE_PER_DAY + n) for n, each in enumerate(ordered)]


def label_message(label: Label) -> Message:
    """A chargeback, keyed by the order; it comes when it becomes known."""
    identity = event_id("label", label.order_key)
    value = encode_event(
        FraudLabel(
            event_id=identity,
            order_id=label.order_key,
            is_fraud=label.is_fraud,
            occurred_at=label.known_at,
            source="chargebacks",
        )
    )
    key = label.order_key.encode()
    return Message(topics.FRAUD_LABELS.name, key, value, label.known_at, can_be_late=False, identity=identity)


def _next(numbers: defaultdict[str, int], source: str) -> int:
    number = numbers[source]
    numbers[source] = number + 1
    return number


def _movement(movement: Movement, sequence: int) -> Message:
    identity = event_id(*movement.about)
    sku, location = movement.shelf
    value = encode_event(
        StockMovement(
            event_id=identity,
            type=movement.type,
            occurred_at=movement.occurred_at,
            source=movement.source,
            sequence=sequence,
            sku=sku,
            location=location,
            quantity=movement.quantity,
            order_id=movement.order_id,
        )
    )
    late = movement.type == "sale"
    key = f"{sku}@{location}".encode()
    return Message(topics.STOCK_MOVEMENTS.name, key, value, movement.occurred_at, late, identity)


def _behaviour(behaviour: Behaviour, sequence: int) -> Message:
    identity = event_id("behaviour", behaviour.session_id, behaviour.nth)
    step = behaviour.step
    value = encode_event(
        BehaviourEvent(
            event_id=identity,
            type=step.type,
            occurred_at=behaviour.occurred_at,
            source="web",
            sequence=sequence,
            session_id=behaviour.session_id,
            user_id=behaviour.user_id,
            sku=step.sku,
            quantity=step.quantity,
            order_id=step.order_id,
        )
    )
    key = behaviour.session_id.encode()
    return Message(topics.EVENTS.name, key, value, behaviour.occurred_at, can_be_late=True, identity=identity)
