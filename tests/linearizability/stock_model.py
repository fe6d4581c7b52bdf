"""The stock of one sku as a sequential object: what is on hand, and what is held for whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from linearizability.operation import Lost


class Answer(StrEnum):
    """What a change is told."""

    HELD = "held"
    INSUFFICIENT = "insufficient"
    OK = "ok"
    NOT_HELD = "not held"


Told = Answer | tuple[int, int]
# What is told only by what changes nothing. A tuple, since an enum's hash is slow and this is asked at every step.
_REFUSALS = (Answer.INSUFFICIENT, Answer.NOT_HELD)


class Stock(NamedTuple):
    """Units of one sku; `holds` are pairs of an id and its units, and `reserved` is their sum."""

    on_hand: int = 0
    reserved: int = 0
    holds: frozenset[tuple[str, int]] = frozenset()

    def held(self, hold_id: str) -> int | None:
        """The units held under an id."""
        for held, units in self.holds:
            if held == hold_id:
                return units
        return None


@dataclass(frozen=True, slots=True)
class Reserve:
    """Holds units if so many are available; under one id it does so once."""

    hold_id: str
    units: int

    def answer(self, stock: Stock) -> Answer:
        """Held or insufficient."""
        is_held = self.units <= stock.on_hand - stock.reserved or stock.held(self.hold_id) is not None
        return Answer.HELD if is_held else Answer.INSUFFICIENT

    def after(self, stock: Stock) -> Stock:
        """The stock once the units are held."""
        if stock.held(self.hold_id) is not None:
            return stock
        return Stock(stock.on_hand, stock.reserved + self.units, stock.holds | {(self.hold_id, self.units)})


@dataclass(frozen=True, slots=True)
class Confirm:
    """Ends a hold; its units leave."""

    hold_id: str

    def answer(self, stock: Stock) -> Answer:
        """Ok or not held."""
        return Answer.NOT_HELD if stock.held(self.hold_id) is None else Answer.OK

    def after(self, stock: Stock) -> Stock:
        """The stock once the hold has ended."""
        units = stock.held(self.hold_id) or 0
        return Stock(stock.on_hand - units, stock.reserved - units, stock.holds - {(self.hold_id, units)})


@dataclass(frozen=True, slots=True)
class Release:
    """Ends a hold; its units are free again."""

    hold_id: str

    def answer(self, stock: Stock) -> Answer:
        """Ok or not held."""
        return Answer.NOT_HELD if stock.held(self.hold_id) is None else Answer.OK

    def after(self, stock: Stock) -> Stock:
        """The stock once the hold has ended."""
        units = stock.held(self.hold_id) or 0
        return Stock(stock.on_hand, stock.reserved - units, stock.holds - {(self.hold_id, units)})


@dataclass(frozen=True, slots=True)
class Adjust:
    """Moves units in or out; never refused, for a movement is a fact."""

    delta: int

    def answer(self, _: Stock) -> Answer:
        """Ok."""
        return Answer.OK

    def after(self, stock: Stock) -> Stock:
        """The stock once the units have moved."""
        return Stock(stock.on_hand + self.delta, stock.reserved, stock.holds)


@dataclass(frozen=True, slots=True)
class Read:
    """Answers what is on hand and what is reserved."""

    def answer(self, stock: Stock) -> tuple[int, int]:
        """On hand and reserved."""
        return stock.on_hand, stock.reserved

    def after(self, stock: Stock) -> Stock:
        """The same stock."""
        return stock


Call = Reserve | Confirm | Release | Adjust | Read


class StockModel:
    """The stock of one sku, which starts empty."""

    def initial(self) -> Stock:
        return Stock()

    def answer(self, state: Stock, invocation: Call) -> Told:
        """What a correct stock answers."""
        return invocation.answer(state)

    def step(self, state: Stock, invocation: Call, response: Told) -> Stock | None:
        if invocation.answer(state) != response:
            return None
        return state if response in _REFUSALS else invocation.after(state)

    def step_pending(self, state: Stock, invocation: Call) -> Iterable[Stock]:
        after = self.step(state, invocation, invocation.answer(state))
        return () if after is None or after == state else (after,)

    def observes(self, invocation: Call, response: Told | Lost) -> bool:
        return isinstance(invocation, Read) or response in _REFUSALS
