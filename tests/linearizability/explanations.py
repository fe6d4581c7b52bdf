"""What may have happened before a return, so that it is explained: the step that both searches take.

An operation takes effect no sooner than something demands it, which Lowe calls just-in-time linearisation: when it
returns, or when another that returns needs it. All configurations between two returns are remembered, as Lowe does to
make a graph of the tree of Wing and Gong.

Wing, Gong: Testing and Verifying Concurrent Objects. Journal of Parallel and Distributed Computing 17, 1993.
Lowe: Testing for Linearizability. Concurrency and Computation: Practice and Experience 29(4), 2017.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from linearizability.configurations import AnyModel, Configuration, extended
from linearizability.moments import Moment, Open
from linearizability.operation import LOST


class TooManyConfigurations(Exception):
    """There are more of them than a search may look at."""


@dataclass(slots=True)
class Effort:
    """How many configurations a search may look at, for one return and in all."""

    per_return: int
    left: int

    def spend(self, seen: int, new: int) -> None:
        """Count new ones, with which so many are seen at this return."""
        self.left -= new
        if self.left < 0 or seen > self.per_return:
            raise TooManyConfigurations


class _Way(NamedTuple):
    """A configuration before the return; the first is the one with the fewest lost answers, then operations, put in."""

    lost: int
    others: int
    number: int
    source: Configuration
    # What was put in last, and configurations after the return in which it is not: those that were told of without it.
    put_in: Open | None = None
    ends_without: Sequence[Configuration] = ()


class Explanations:
    """The ways to explain one return; thorough ones are all of them, others leave out what is hardly of use."""

    def __init__(self, model: AnyModel, moment: Moment, effort: Effort, *, thorough: bool) -> None:
        self._model, self._moment, self._effort, self._thorough = model, moment, effort, thorough
        self._ways = list[_Way]()
        self._seen = set[tuple[int, Hashable]]()
        self._numbers = count()

    def of(self, sources: Sequence[Configuration]) -> Iterator[Configuration]:
        """The configurations after the return; `sources` before it, observed, lack what returns.

        Left out are those that can be reached from others: the operations they have more can take effect later.
        """
        returning, ways = self._moment.returning, self._ways
        if returning.operation.response is LOST:
            yield from sources
        for source in sources:
            self._add(_Way(0, 0, next(self._numbers), source))
        while ways:
            way = heappop(ways)
            if way.source.effective & returning.bit:
                yield way.source.without(returning.bit)
                continue
            ends, reachable = self._extended(returning, [way.source]), self._extended(way.put_in, way.ends_without)
            new = [end for end in ends if not any(_includes(one, end) for one in reachable)]
            yield from (end.without(returning.bit) for end in new)
            if new or not ends or self._is_of_use(way):
                self._extend(way, ends or reachable)

    def _extended(self, each: Open | None, sources: Sequence[Configuration]) -> list[Configuration]:
        if each is None:
            return []
        return [after for source in sources for after in extended(self._model, self._moment.observers, each, source)]

    def _is_of_use(self, way: _Way) -> bool:
        """True unless the operations put in so far commute with what returns and nothing else waits for them."""
        return self._thorough or any(not way.source.effective & each.bit for each in self._moment.observers)

    def _extend(self, way: _Way, ends: Sequence[Configuration]) -> None:
        before, effective = len(self._seen), way.source.effective
        for each, twin in self._candidates:
            if effective & each.bit or effective & twin != twin:
                continue
            lost = way.lost + (each.operation.response is LOST)
            for reached in self._extended(each, [way.source]):
                self._add(_Way(lost, way.others + 1, next(self._numbers), reached, each, ends))
        self._effort.spend(len(self._seen), len(self._seen) - before)

    def _add(self, way: _Way) -> None:
        key = way.source[:2]
        if key not in self._seen:
            self._seen.add(key)
            heappush(self._ways, way)

    @cached_property
    def _candidates(self) -> list[tuple[Open, int]]:
        """What may take effect before the return, each with the bit of its twin that must do so before it, or 0.

        Of two that say the same the one that ends first may be taken to come first: exchanged, they fit as well. So
        what says the same as the one that returns does not come before it.
        """
        found, twins = list[tuple[Open, int]](), {_said(self._moment.returning): 0}
        for each in self._moment.others:
            said = _said(each)
            if twins.get(said) != 0:
                found.append((each, twins.get(said, 0)))
                twins[said] = each.bit
        return found


def _said(each: Open) -> tuple[Hashable, Hashable]:
    return each.operation.invocation, each.operation.response


def _includes(one: Configuration, other: Configuration) -> bool:
    return one.state == other.state and not other.effective & ~one.effective
