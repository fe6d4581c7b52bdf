"""A register: the smallest object with which histories go wrong."""

from collections.abc import Iterable
from dataclasses import dataclass

from linearizability.operation import Lost


@dataclass(frozen=True, slots=True)
class Read:
    """Answers the value."""


@dataclass(frozen=True, slots=True)
class Write:
    """Sets the value; answers None."""

    value: int


@dataclass(frozen=True, slots=True)
class CompareAndSet:
    """Sets the value if it is the expected one; answers whether it did."""

    expected: int
    value: int


Call = Read | Write | CompareAndSet
Answer = int | bool | None


class RegisterModel:
    """A register that starts at 0."""

    def initial(self) -> int:
        return 0

    def step(self, state: int, invocation: Call, response: Answer) -> int | None:
        if isinstance(invocation, Write):
            return invocation.value
        if isinstance(invocation, Read):
            return state if response == state else None
        if (state == invocation.expected) is not response:
            return None
        return invocation.value if response else state

    def answer(self, state: int, invocation: Call) -> Answer:
        """What a correct register answers."""
        if isinstance(invocation, CompareAndSet):
            return state == invocation.expected
        return state if isinstance(invocation, Read) else None

    def step_pending(self, state: int, invocation: Call) -> Iterable[int]:
        if isinstance(invocation, Read):
            return ()
        after = self.step(state, invocation, True)
        return () if after is None or after == state else (after,)

    def observes(self, invocation: Call, response: Answer | Lost) -> bool:
        return isinstance(invocation, Read) or (isinstance(invocation, CompareAndSet) and response is False)
