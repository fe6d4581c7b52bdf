"""The quick half of the check: looks for one order that explains a history, and mostly finds it at once.

Finding one proves the history linearizable. Not finding one proves nothing, since what lies far back is forgotten.
"""

from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress

from linearizability.configurations import AnyModel, Configuration, observed
from linearizability.explanations import Effort, Explanations, TooManyConfigurations
from linearizability.moments import Moment

# The last choices, which can still be taken back: a wrong one is mostly noticed by one of the next reads.
CHOICES = 1_000
# Configurations looked at to explain one return before an earlier choice is taken back.
PER_RETURN = 300
# Configurations looked at before the search gives up: so many for each return, and beside.
IN_ALL, BESIDE = 30, 100_000
# Positions remembered as tried.
POSITIONS = 1_000_000

# The number of the next moment, what is effective of the open operations, and the state.
Position = tuple[int, int, Hashable]


def finds_order(model: AnyModel, history: Sequence[Moment]) -> bool:
    """True when an order was found that explains every return."""
    return _Search(model, history).run()


class _Search:
    def __init__(self, model: AnyModel, history: Sequence[Moment]) -> None:
        self._model, self._history = model, history
        self._effort = Effort(PER_RETURN, IN_ALL * len(history) + BESIDE)
        self._choices: deque[tuple[int, Iterator[Configuration]]] = deque(maxlen=CHOICES)
        self._tried: set[Position] = set()

    def run(self) -> bool:
        position: Position | None = (0, 0, self._model.initial())
        while position is not None and self._effort.left >= 0:
            if self._reaches_end(*position):
                return True
            position = self._choose()
        return False

    def _reaches_end(self, at: int, effective: int, state: Hashable) -> bool:
        """Goes on until a return leaves a choice, or has no explanation."""
        model, history, step = self._model, self._history, self._model.step
        for number in range(at, len(history)):
            moment = history[number]
            bit, operation = moment.returning
            if not bit:
                state = step(state, operation.invocation, operation.response)
                if state is None:
                    return False
                continue
            if moment.called:
                effective, state, _ = observed(model, moment.called, Configuration(effective, state))
            if not effective & bit:
                ways = Explanations(model, moment, self._effort, thorough=False)
                self._choices.append((number + 1, ways.of([Configuration(effective, state)])))
                return False
            effective &= ~bit
        return True

    def _choose(self) -> Position | None:
        """The next way that was not tried, of the last choice that has one."""
        if len(self._tried) > POSITIONS:
            self._tried.clear()
        while self._choices:
            number, ways = self._choices[-1]
            with suppress(TooManyConfigurations):
                for effective, state, _ in ways:
                    if (position := (number, effective, state)) not in self._tried:
                        self._tried.add(position)
                        return position
            self._choices.pop()
        return None
