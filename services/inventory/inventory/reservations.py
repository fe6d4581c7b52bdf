"""The rules of reservations: what a checkout's command changes, or why it is refused. Pure.

Every rule takes the time of its decision and balances without due holds. The Redis library in `functions/` holds the
same rules; tests compare the two step by step.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from inventory.holds import Hold, HoldState, Line, combine
from inventory.journal import (
    Balance,
    Item,
    MovementType,
    ReservationConfirmed,
    ReservationExpired,
    ReservationMoved,
    ReservationReleased,
    StockEvent,
    StockReserved,
)
from inventory.refusals import Refusal, Refused, Shortage
from inventory.stock import ApplyMovement
from inventory.terms import Terms

Change = tuple[Hold, Sequence[StockEvent]] | Refused


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Command: set all the lines apart, or none; with `allow_partial` as many units of each as there are."""

    reservation_id: str
    lines: tuple[Line, ...]
    expires_in: timedelta
    allow_partial: bool = False
    channel: str = ""


@dataclass(frozen=True, slots=True)
class ExtendReservation:
    """Command: hold for at least so long from now on; a hold never becomes shorter by it."""

    reservation_id: str
    expires_in: timedelta


@dataclass(frozen=True, slots=True)
class TransferReservation:
    """Command: hold the same units at another location, those of `from_location` alone when it is given."""

    reservation_id: str
    to_location: str
    from_location: str | None = None

    def moves(self, item: Item) -> bool:
        """True for an item whose units are to be held elsewhere."""
        return item.location != self.to_location and self.from_location in (None, item.location)


@dataclass(frozen=True, slots=True)
class ConfirmReservation:
    """Command: the held units leave; with `lines` only these, and the others are free again."""

    reservation_id: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseReservation:
    """Command: the held units are free again."""

    reservation_id: str


_ENDINGS: Mapping[HoldState, type[ReservationReleased | ReservationExpired]] = {
    HoldState.RELEASED: ReservationReleased,
    HoldState.EXPIRED: ReservationExpired,
}


def reserve(
    command: ReserveStock, balances: Mapping[Item, Balance], skus: Container[str], terms: Terms, now: datetime
) -> Change:
    """Set every line apart, bundles as their components, or refuse the basket as a whole; `skus` are those known."""
    asked = combine(terms.expanded(command.lines))
    if refused := _unknown(asked, balances, skus):
        return refused
    shortages = _shortages(asked, balances, terms, command.channel)
    lines = _reduced(asked, shortages) if command.allow_partial else asked
    if shortages and (not command.allow_partial or not lines):
        return Refused(Refusal.INSUFFICIENT_STOCK, shortages=shortages)
    unfilled = tuple(Line(short.item, short.requested - short.available) for short in shortages)
    expires_at = now + command.expires_in
    hold = Hold(command.reservation_id, lines, now, expires_at, unfilled=unfilled, channel=command.channel)
    return hold, [StockReserved(line.item, now, hold.reservation_id, line.quantity) for line in lines]


def extend(command: ExtendReservation, hold: Hold, now: datetime) -> Change:
    """Let a hold that still stands end later."""
    if hold.state is not HoldState.HELD:
        return Refused(Refusal.RESERVATION_NOT_HELD, state=hold.state)
    expires_at = max(hold.expires_at, now + command.expires_in)
    return replace(hold, expires_at=expires_at, version=hold.version + 1), []


def transfer(
    command: TransferReservation,
    hold: Hold,
    balances: Mapping[Item, Balance],
    skus: Container[str],
    terms: Terms,
    now: datetime,
) -> Change:
    """Hold the units elsewhere, all that the command names or none."""
    if hold.state is not HoldState.HELD:
        return Refused(Refusal.RESERVATION_NOT_HELD, state=hold.state)
    leaving = [line for line in hold.lines if command.moves(line.item)]
    if not leaving:
        return Refused(Refusal.LINES_NOT_HELD)
    arriving = combine(_at(command.to_location, line) for line in leaving)
    if refused := _unknown(arriving, balances, skus):
        return refused
    if shortages := _shortages(arriving, balances, terms, hold.channel):
        return Refused(Refusal.INSUFFICIENT_STOCK, shortages=shortages)
    lines = combine(_at(command.to_location, line) if line in leaving else line for line in hold.lines)
    moved = [(line.item, -line.quantity) for line in leaving] + [(line.item, line.quantity) for line in arriving]
    return replace(hold, lines=lines, version=hold.version + 1), [
        ReservationMoved(item, now, hold.reservation_id, quantity) for item, quantity in moved
    ]


def end(hold: Hold, state: HoldState, now: datetime) -> Change:
    """End a hold that still stands as released or expired; refuse to end it twice."""
    if hold.state is not HoldState.HELD:
        return Refused(Refusal.RESERVATION_NOT_HELD, state=hold.state)
    event = _ENDINGS[state]
    return hold.ended(state, now), [event(line.item, now, hold.reservation_id, line.quantity) for line in hold.lines]


def confirm(
    command: ConfirmReservation,
    hold: Hold,
    balances: Mapping[Item, Balance],
    event_ids: Container[str],
    now: datetime,
) -> Change:
    """End a hold that still stands as sold, and free what is not; a sale among the `event_ids` taken left already."""
    if hold.state is not HoldState.HELD:
        return Refused(Refusal.RESERVATION_NOT_HELD, state=hold.state)
    sold = combine(command.lines) or hold.lines
    beyond = [Shortage(line.item, line.quantity, hold.quantity_of(line.item)) for line in sold]
    if shortages := tuple(short for short in beyond if short.requested > short.available):
        return Refused(Refusal.LINES_NOT_HELD, shortages=shortages)
    units = {line.item: line.quantity for line in sold}
    confirmed = tuple(Line(line.item, units[line.item]) for line in hold.lines if line.item in units)
    events: list[StockEvent] = []
    for number, line in enumerate(hold.lines, start=1):
        quantity = units.get(line.item, 0)
        if quantity:
            sold_at = max(now, balances[line.item].counted_at or now)
            is_known = sale_id(hold.reservation_id, number) in event_ids
            events.append(
                ReservationConfirmed(
                    line.item, now, hold.reservation_id, quantity, sold_at=sold_at, is_known_sale=is_known
                )
            )
        if quantity < line.quantity:
            events.append(ReservationReleased(line.item, now, hold.reservation_id, line.quantity - quantity))
    return hold.ended(HoldState.CONFIRMED, now, confirmed), events


def sale_id(reservation_id: str, line_number: int) -> str:
    """The event id of the sale of one line of a confirmed reservation; lines are numbered from 1."""
    return f"reservation:{reservation_id}:{line_number}"


def sales_of(hold: Hold, events: Iterable[StockEvent]) -> list[ApplyMovement]:
    """The sale movements that a confirmation owes the topic.

    A sale is dated at the confirmation, or at the item's last count when that lies ahead of it: whoever folds the
    movements of the topic must find the units gone, as they are here.
    """
    numbers = {line.item: number for number, line in enumerate(hold.lines, start=1)}
    return [
        ApplyMovement(
            sale_id(event.reservation_id, numbers[event.item]),
            MovementType.SALE,
            event.item,
            -event.quantity,
            event.sold_at,
        )
        for event in events
        if isinstance(event, ReservationConfirmed) and not event.is_known_sale
    ]


def _unknown(lines: Sequence[Line], balances: Mapping[Item, Balance], skus: Container[str]) -> Refused | None:
    unknown = tuple(line.item for line in lines if line.item not in balances)
    if not unknown:
        return None
    is_known = unknown[0].sku in skus
    return Refused(Refusal.LOCATION_UNKNOWN if is_known else Refusal.SKU_UNKNOWN, items=unknown)


def _shortages(
    lines: Sequence[Line], balances: Mapping[Item, Balance], terms: Terms, channel: str
) -> tuple[Shortage, ...]:
    promisable = [terms.promise(line.item, channel).promisable(balances[line.item]) for line in lines]
    return tuple(
        Shortage(line.item, line.quantity, units)
        for line, units in zip(lines, promisable, strict=True)
        if line.quantity > units
    )


def _reduced(lines: Sequence[Line], shortages: Sequence[Shortage]) -> tuple[Line, ...]:
    available = {short.item: short.available for short in shortages}
    reduced = (Line(line.item, available.get(line.item, line.quantity)) for line in lines)
    return tuple(line for line in reduced if line.quantity)


def _at(location: str, line: Line) -> Line:
    return Line(Item(line.item.sku, location), line.quantity)
