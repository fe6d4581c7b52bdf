"""What an object does when its operations come one at a time: the specification that histories are held against."""

from collections.abc import Hashable, Iterable
from typing import Protocol, TypeVar

from linearizability.operation import Lost

State = TypeVar("State", bound=Hashable)
Invocation_contra = TypeVar("Invocation_contra", contravariant=True)
Response_contra = TypeVar("Response_contra", contravariant=True)


class Model(Protocol[State, Invocation_contra, Response_contra]):
    """A sequential object. States, invocations and responses are hashable, and equal only when they say the same."""

    def initial(self) -> State:
        """The state before the first operation."""

    def step(self, state: State, invocation: Invocation_contra, response: Response_contra) -> State | None:
        """The state after an operation that answered so; None when it cannot answer so in this state."""

    def step_pending(self, state: State, invocation: Invocation_contra) -> Iterable[State]:
        """The states that an operation may leave whose answer is unknown; none where it changes nothing."""

    def observes(self, invocation: Invocation_contra, response: Response_contra | Lost) -> bool:
        """True when such an operation changes the state in no state whatever, so that it only tells of it."""
