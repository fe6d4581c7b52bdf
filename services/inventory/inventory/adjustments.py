"""The rules of adjustments: what a warehouse says about its shelves, all of a batch or nothing. Pure.

No item occurs twice in a batch, so its adjustments do not depend on one another. The Redis library in `functions/`
holds the same rules; tests compare the two step by step.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inventory.journal import Balance, Bucket, Item, MovementType, StockEvent, StockMoved, evolve
from inventory.refusals import Mismatch, Refusal, Refused, Shortage
from inventory.stock import ApplyMovement, move


@dataclass(frozen=True, slots=True, kw_only=True)
class _Adjustment:
    """Of one item; only if its version or its quantity is still what the caller saw."""

    item: Item
    quantity: int
    if_version: int | None = None
    if_quantity: int | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """The items it changes."""
        return (self.item,)

    def holds_for(self, balance: Balance) -> bool:
        """True when its conditions hold."""
        return self.if_version in (None, balance.version) and self.if_quantity in (None, balance.on_hand)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBy(_Adjustment):
    """So many units more (or less)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTo(_Adjustment):
    """So many units from now on, whatever was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountAs(_Adjustment):
    """So many units were counted at `occurred_at`; what moved since then comes on top."""

    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTo(_Adjustment):
    """So many units into another bucket of the location."""

    bucket: Bucket

    @property
    def target(self) -> Item:
        """Where the units go."""
        return replace(self.item, bucket=self.bucket)

    @property
    def items(self) -> tuple[Item, ...]:
        """The items it changes."""
        return (self.item, self.target)


Adjustment = ChangeBy | SetTo | CountAs | MoveTo


@dataclass(frozen=True, slots=True)
class AdjustStock:
    """Command: make all adjustments, or none."""

    batch_id: str
    adjustments: tuple[Adjustment, ...]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The items that a batch changed, in its order, as they are afterwards: units and version."""

    batch_id: str
    balances: tuple[tuple[Item, Balance], ...]


def adjust(
    command: AdjustStock,
    balances: Mapping[Item, Balance],
    journals: Mapping[Item, Sequence[StockEvent]],
    now: datetime,
) -> tuple[Adjusted, list[StockMoved]] | Refused:
    """Make every adjustment, or refuse the batch as a whole; `balances` without due holds."""
    if refused := _refusal(command, balances, now):
        return refused
    events = [
        replace(
            move(movement, balances.get(movement.item, Balance()), journals.get(movement.item, []), now), is_own=True
        )
        for movement in _movements(command, balances, now)
    ]
    after = [(event.item, evolve(balances.get(event.item, Balance()), event)) for event in events]
    told = tuple((item, Balance(left.on_hand, left.reserved, left.version)) for item, left in after)
    return Adjusted(command.batch_id, told), events


def own_movements(events: Sequence[StockMoved]) -> list[ApplyMovement]:
    """The movements that an adjustment owes the topic."""
    return [
        ApplyMovement(event.event_id, event.type, event.item, event.quantity, event.occurred_at) for event in events
    ]


def _refusal(command: AdjustStock, balances: Mapping[Item, Balance], now: datetime) -> Refused | None:
    found = [(each, balances.get(each.item, Balance())) for each in command.adjustments]
    mismatches = tuple(
        Mismatch(position, balance.version, balance.on_hand)
        for position, (each, balance) in enumerate(found)
        if not each.holds_for(balance)
    )
    if mismatches:
        return Refused(Refusal.STOCK_CHANGED, mismatches=mismatches)
    ahead = tuple(each.item for each, _ in found if isinstance(each, CountAs) and each.occurred_at > now)
    if ahead:
        return Refused(Refusal.COUNT_AHEAD, items=ahead)
    shortages = tuple(
        Shortage(each.item, each.quantity, balance.on_hand)
        for each, balance in found
        if isinstance(each, MoveTo) and each.quantity > balance.on_hand
    )
    return Refused(Refusal.INSUFFICIENT_STOCK, shortages=shortages) if shortages else None


def _movements(command: AdjustStock, balances: Mapping[Item, Balance], now: datetime) -> Iterator[ApplyMovement]:
    number = 0
    for each in command.adjustments:
        for item, kind, quantity, occurred_at in _effects(each, balances, now):
            number += 1
            yield ApplyMovement(f"adjustment:{command.batch_id}:{number}", kind, item, quantity, occurred_at)


def _effects(
    each: Adjustment, balances: Mapping[Item, Balance], now: datetime
) -> list[tuple[Item, MovementType, int, datetime]]:
    # Never before the item's last count, which would cover it.
    dated = {item: max(now, balances.get(item, Balance()).counted_at or now) for item in each.items}
    match each:
        case CountAs():
            return [(each.item, MovementType.COUNT, each.quantity, each.occurred_at)]
        case MoveTo():
            signed = [(each.item, -each.quantity), (each.target, each.quantity)]
            return [(item, MovementType.ADJUSTMENT, quantity, dated[item]) for item, quantity in signed]
        case SetTo():
            missing = each.quantity - balances.get(each.item, Balance()).on_hand
            return [(each.item, MovementType.ADJUSTMENT, missing, dated[each.item])]
        case ChangeBy():
            return [(each.item, MovementType.ADJUSTMENT, each.quantity, dated[each.item])]
