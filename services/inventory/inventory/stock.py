"""The rules of stock: what a movement changes, whenever it arrives. Pure.

Quantities are whole units. Times are aware datetimes in UTC, exact to the microsecond. The Redis library in
`functions/` holds the same rules; tests compare the two step by step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.journal import Balance, Item, MovementType, StockEvent, StockMoved, is_count

# Of one movement or one line. Redis' Lua adds exactly below 2^53, so nine million of the largest fit one balance.
UNITS_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ApplyMovement:
    """Command: take note of a physical fact; `quantity` is its signed effect, or the units counted."""

    event_id: str
    type: MovementType
    item: Item
    quantity: int
    occurred_at: datetime
    order_id: str | None = None


def move(command: ApplyMovement, balance: Balance, journal: Sequence[StockEvent], now: datetime) -> StockMoved:
    """Take note of a movement: stock is the last count plus everything that happened from it on.

    So the result does not depend on the order of arrival: a movement older than the last count changes nothing (the
    count saw it), and a late count is topped up with what the journal holds from its time on.
    """
    return StockMoved(
        item=command.item,
        recorded_at=now,
        occurred_at=command.occurred_at,
        event_id=command.event_id,
        type=command.type,
        quantity=command.quantity,
        on_hand_change=_effect(command, balance, journal),
        order_id=command.order_id,
    )


def _effect(command: ApplyMovement, balance: Balance, journal: Sequence[StockEvent]) -> int:
    if command.type is not MovementType.COUNT:
        is_covered = balance.counted_at is not None and command.occurred_at < balance.counted_at
        return 0 if is_covered else command.quantity
    if _is_superseded(command, balance, journal):
        return 0
    since = sum(
        event.on_hand_change for event in journal if event.occurred_at >= command.occurred_at and not is_count(event)
    )
    return command.quantity + since - balance.on_hand


def _is_superseded(count: ApplyMovement, balance: Balance, journal: Sequence[StockEvent]) -> bool:
    if balance.counted_at is None or count.occurred_at > balance.counted_at:
        return False
    if count.occurred_at < balance.counted_at:
        return True
    # Of two counts of one instant the lower stands, so that nothing is promised twice.
    same_instant = (event for event in journal if event.occurred_at == count.occurred_at)
    return any(is_count(event) and event.quantity < count.quantity for event in same_instant)
