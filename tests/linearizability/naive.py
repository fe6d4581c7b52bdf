"""The definition, tried out: every order of every choice of lost answers. For a handful of operations."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain, combinations, permutations

from linearizability.configurations import AnyModel, outcomes
from linearizability.moments import AnyOperation
from linearizability.operation import LOST


def is_linearizable(operations: Sequence[AnyOperation], model: AnyModel) -> bool:
    """True when some order respects real time and is what the model does."""
    return any(_fits(order, model) for order in _orders(operations) if _respects_time(order))


def _orders(operations: Sequence[AnyOperation]) -> Iterator[tuple[AnyOperation, ...]]:
    lost = [operation for operation in operations if operation.response is LOST]
    answered = [operation for operation in operations if operation.response is not LOST]
    choices = chain.from_iterable(combinations(lost, size) for size in range(len(lost) + 1))
    return chain.from_iterable(permutations([*answered, *effective]) for effective in choices)


def _respects_time(order: Sequence[AnyOperation]) -> bool:
    return not any(
        later.returned is not None and later.returned < earlier.called for earlier, later in combinations(order, 2)
    )


def _fits(order: Sequence[AnyOperation], model: AnyModel) -> bool:
    states: set[Hashable] = {model.initial()}
    for operation in order:
        states = {after for state in states for after in outcomes(model, operation, state)}
    return bool(states)
