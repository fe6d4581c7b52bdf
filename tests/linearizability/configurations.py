"""How far a linearisation has come, and what one more operation makes of it."""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from linearizability.model import Model
from linearizability.moments import AnyOperation, Open
from linearizability.operation import LOST

AnyModel = Model[Any, Any, Any]


class Step(NamedTuple):
    """One operation of a linearisation, the state it left, and the step before it."""

    before: "Step | None"
    operation: AnyOperation
    state: Hashable


class Configuration(NamedTuple):
    """Which of the open operations have taken effect, the state that this made, and the way there."""

    effective: int
    state: Hashable
    last: Step | None = None

    def without(self, bit: int) -> "Configuration":
        """The same once an operation has returned."""
        return Configuration(self.effective & ~bit, self.state, self.last)


def outcomes(model: AnyModel, operation: AnyOperation, state: Hashable) -> Iterable[Hashable]:
    """The states that an operation may leave; of one whose answer is lost only those that it changed."""
    if operation.response is LOST:
        return model.step_pending(state, operation.invocation)
    after = model.step(state, operation.invocation, operation.response)
    return () if after is None else (after,)


def observed(model: AnyModel, observers: Iterable[Open], configuration: Configuration) -> Configuration:
    """The configuration once every observer that fits its state has taken effect.

    An observer may do so in the first state that it fits: it is in nobody's way there.
    """
    effective, state, last = configuration
    for bit, operation in observers:
        if not effective & bit and model.step(state, operation.invocation, operation.response) is not None:
            effective |= bit
            last = Step(last, operation, state)
    return Configuration(effective, state, last)


def extended(model: AnyModel, observers: tuple[Open, ...], each: Open, source: Configuration) -> list[Configuration]:
    """The configurations once one more operation has taken effect: none, one, or several when its answer is lost."""
    bit, operation = each
    return [
        observed(model, observers, Configuration(source.effective | bit, state, Step(source.last, operation, state)))
        for state in outcomes(model, operation, source.state)
    ]
