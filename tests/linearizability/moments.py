"""The moments at which a history demands that something has taken effect: the returns, in order.

Each operation that is open has a bit of its own, so that a small integer tells which of them have taken effect. Bits
are used again: the integer is as long as the most operations that were ever open at once, however long the history.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from linearizability.model import Model
from linearizability.operation import LOST, Operation

AnyOperation = Operation[Any, Any]
_NEVER = float("inf")


class Open(NamedTuple):
    """An operation called and not returned, and the bit that is set once it has taken effect; 0 for one all alone."""

    bit: int
    operation: AnyOperation


class Moment(NamedTuple):
    """A return, and what else is open at it."""

    returning: Open
    # Those that may change the state and take effect before, the first to return first.
    others: tuple[Open, ...] = ()
    # Those that only observe, the returning one among them if it does, and those of them called since the last moment.
    observers: tuple[Open, ...] = ()
    called: tuple[Open, ...] = ()
    # Nothing stays open but what never returns: a cut through the history.
    is_cut: bool = True


def moments(history: Iterable[AnyOperation], model: Model[Any, Any, Any]) -> list[Moment]:
    """The returns of a history; a call at the instant of a return counts as before it, so the two are concurrent."""
    operations = sorted((each for each in history if _matters(each, model)), key=attrgetter("called"))
    return _Sweep(operations, model).run()


def _matters(operation: AnyOperation, model: Model[Any, Any, Any]) -> bool:
    return operation.response is not LOST or not model.observes(operation.invocation, LOST)


def _end(operation: AnyOperation) -> float:
    return _NEVER if operation.returned is None else operation.returned


def _end_of_open(each: Open) -> float:
    return _end(each.operation)


class _Sweep:
    """Goes through the returns; operations are numbered by their calls."""

    def __init__(self, operations: Sequence[AnyOperation], model: Model[Any, Any, Any]) -> None:
        self._operations, self._model = operations, model
        self._open: dict[int, Open] = {}
        self._observers: dict[int, Open] = {}
        self._others: list[Open] = []
        self._called: list[Open] = []
        self._free_bits: list[int] = []
        self._bits = self._unbounded = 0

    def run(self) -> list[Moment]:
        """All moments."""
        operations, found = self._operations, list[Moment]()
        calls: list[float] = [*map(attrgetter("called"), operations), _NEVER]
        ends = list(map(_end, operations))
        following = 0
        for number in sorted(range(len(operations)), key=ends.__getitem__):
            if (end := ends[number]) == _NEVER:
                break
            operation = operations[number]
            if number == following and calls[number + 1] > end and not self._open and operation.response is not LOST:
                found.append(Moment(Open(0, operation)))
                following += 1
                continue
            while calls[following] <= end:
                self._call(following)
                following += 1
            found.append(self._return(number))
        return found

    def _call(self, number: int) -> None:
        operation = self._operations[number]
        self._open[number] = each = Open(self._free_bit(), operation)
        self._unbounded += operation.returned is None
        if self._model.observes(operation.invocation, operation.response):
            self._observers[number] = each
            self._called.append(each)
        else:
            insort(self._others, each, key=_end_of_open)

    def _return(self, number: int) -> Moment:
        returning, observers, called = self._open.pop(number), tuple(self._observers.values()), tuple(self._called)
        self._called.clear()
        if self._observers.pop(number, None) is None:
            self._others.remove(returning)
        self._free_bits.append(returning.bit)
        return Moment(returning, tuple(self._others), observers, called, len(self._open) == self._unbounded)

    def _free_bit(self) -> int:
        if not self._free_bits:
            self._free_bits.append(1 << self._bits)
            self._bits += 1
        return self._free_bits.pop()
