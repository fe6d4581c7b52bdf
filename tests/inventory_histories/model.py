"""The stock of one sku as it also depends on time: holds expire, and each answer tells when it was decided.

It is the model of `linearizability.stock_model` with the store's clock, the version that counts changes, and expiry at
the microsecond. An answer fits only at the moment that it names, and changes come in the order of their moments.
"""

from collections.abc import Iterable
from typing import NamedTuple

from linearizability.operation import LOST, Lost
from linearizability.stock_model import Adjust, Answer, Call, Read, Release, Reserve, Stock

_REFUSALS = (Answer.INSUFFICIENT, Answer.NOT_HELD)
# Later than any moment of a run. A reservation whose answer is given up for lost must hold longer than the run.
NEVER = 2**62


class Told(NamedTuple):
    """An answer, and the store's time of it in microseconds; a movement is told no time.

    `detail` is when a hold expires, what was available where that was not enough (None where another sku was short),
    or the version that was read.
    """

    at: int | None
    answer: Answer | tuple[int, int]
    detail: int | None = None


class TimedStock(NamedTuple):
    """Stock at `now`, the moment of its last change; `expiries` are pairs of a hold's id and its end."""

    stock: Stock = Stock()
    version: int = 0
    now: int = 0
    expiries: frozenset[tuple[str, int]] = frozenset()

    def at(self, moment: int) -> "TimedStock":
        """The stock at a later moment, without the holds that are due."""
        due = [(hold_id, end) for hold_id, end in self.expiries if end <= moment]
        stock = self.stock
        for hold_id, _ in due:
            stock = Release(hold_id).after(stock)
        return TimedStock(stock, self.version + len(due), moment, self.expiries.difference(due))


class TimedStockModel:
    """The stock of one sku in time, which starts empty."""

    def initial(self) -> TimedStock:
        return TimedStock()

    def step(self, state: TimedStock, invocation: Call, response: Told) -> TimedStock | None:
        if response.at is not None and response.at < state.now:
            return None
        before = state.at(state.now if response.at is None else response.at)
        if not _fits(before, invocation, response):
            return None
        return state if self.observes(invocation, response) else _after(before, invocation, response.detail)

    def step_pending(self, state: TimedStock, invocation: Call) -> Iterable[TimedStock]:
        # What it finds depends only on which holds have expired by then.
        for moment in {state.now, *(end for _, end in state.expiries)}:
            before = state.at(moment)
            if invocation.answer(before.stock) not in _REFUSALS:
                yield _after(before, invocation, NEVER)

    def observes(self, invocation: Call, response: Told | Lost) -> bool:
        return isinstance(invocation, Read) or (response is not LOST and response.answer in _REFUSALS)


def _fits(before: TimedStock, invocation: Call, told: Told) -> bool:
    stock = before.stock
    if isinstance(invocation, Reserve) and told.answer is Answer.INSUFFICIENT:
        available = max(0, stock.on_hand - stock.reserved)
        is_enough = invocation.units <= available
        return is_enough if told.detail is None else not is_enough and told.detail == available
    if isinstance(invocation, Read) and told.detail != before.version:
        return False
    return invocation.answer(stock) == told.answer


def _after(before: TimedStock, invocation: Call, expires_at: int | None) -> TimedStock:
    stock, expiries = invocation.after(before.stock), before.expiries
    if isinstance(invocation, Reserve):
        expiries = expiries | {(invocation.hold_id, NEVER if expires_at is None else expires_at)}
    elif not isinstance(invocation, Adjust | Read):
        expiries = frozenset(each for each in expiries if each[0] != invocation.hold_id)
    return TimedStock(stock, before.version + 1, before.now, expiries)
