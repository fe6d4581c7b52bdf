"""What clients saw: each call with the ticks around it, projected to one operation per sku."""

from collections.abc import Mapping
from itertools import count

from inventory.holds import Hold
from inventory.refusals import Refusal, Refused
from inventory.reservations import ReserveStock
from inventory.store import Availability, Decision
from inventory.wire import microseconds
from inventory_histories.model import Told
from linearizability.moments import AnyOperation
from linearizability.operation import LOST, Lost, Operation
from linearizability.stock_model import Adjust, Answer, Call, Confirm, Read, Release, Reserve

Ending = Confirm | Release


class Recorder:
    """The history of all clients of one process; its clock is a counter that they share."""

    def __init__(self) -> None:
        self.history: list[AnyOperation] = []
        self._ticks = count()

    def tick(self) -> int:
        """The next tick; take one before a call is sent, and tell what came of it after its answer was read."""
        return next(self._ticks)

    def moved(self, client: str, called: int, sku: str, delta: int, answer: object) -> None:
        """Units came or left, whatever the tally says."""
        self._add(client, called, {sku: Adjust(delta)}, {sku: LOST if answer is LOST else Told(None, Answer.OK)})

    def read(self, client: str, called: int, location: str, found: Availability) -> None:
        """Balances were read; of a sku without any the first change is still to come."""
        at = microseconds(found.as_of)
        balances = {sku: locations[location] for sku, locations in found.skus.items() if location in locations}
        told = {sku: Told(at, (each.on_hand, each.reserved), each.version) for sku, each in balances.items()}
        self._add(client, called, dict.fromkeys(told, Read()), told)

    def reserved(self, client: str, called: int, command: ReserveStock, answer: Decision | Lost) -> None:
        """A basket was held, refused, or nobody knows; the lines of one sku count together."""
        units: dict[str, int] = {}
        for line in command.lines:
            units[line.item.sku] = units.get(line.item.sku, 0) + line.quantity
        calls = {sku: Reserve(command.reservation_id, each) for sku, each in units.items()}
        self._add(client, called, calls, {sku: _of_reservation(sku, answer) for sku in units})

    def ended(self, client: str, called: int, ending: Ending, skus: list[str], answer: Decision | Lost) -> None:
        """A hold on the skus was confirmed or released, or it was too late."""
        self._add(client, called, dict.fromkeys(skus, ending), dict.fromkeys(skus, _of_ending(answer)))

    def _add(self, client: str, called: int, calls: Mapping[str, Call], told: Mapping[str, Told | Lost]) -> None:
        # A lost answer bounds its call as well: here it is lost when the server that took the call has died.
        returned = self.tick()
        for sku, call in calls.items():
            self.history.append(Operation(client, (sku,), called, returned, call, told[sku]))


def _of_reservation(sku: str, answer: Decision | Lost) -> Told | Lost:
    if isinstance(answer, Lost):
        return answer
    at, outcome = microseconds(answer.as_of), answer.outcome
    if isinstance(outcome, Hold):
        return Told(at, Answer.HELD, microseconds(outcome.expires_at))
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason is Refusal.INSUFFICIENT_STOCK, outcome
    short = [each.available for each in outcome.shortages if each.item.sku == sku]
    return Told(at, Answer.INSUFFICIENT, short[0] if short else None)


def _of_ending(answer: Decision | Lost) -> Told | Lost:
    if isinstance(answer, Lost):
        return answer
    is_done = isinstance(answer.outcome, Hold)
    return Told(microseconds(answer.as_of), Answer.OK if is_done else Answer.NOT_HELD)
