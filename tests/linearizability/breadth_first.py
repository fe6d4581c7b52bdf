"""The thorough half of the check: all configurations that explain a history, return by return.

It proves that a history is not linearizable, and knows up to where it is. What it holds is one set of configurations.
At a cut, where nothing stays open, these are states, each with the lost answers that took effect on the way; so the
work grows with the length of the history as long as few operations are open at once.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from linearizability.configurations import AnyModel, Configuration, Step, observed
from linearizability.explanations import Effort, Explanations, TooManyConfigurations
from linearizability.moments import AnyOperation, Moment

# Operations shown from before the cut.
LEADING = 5
# Configurations that may be looked at for each return, beside those that the caller allows; eight clients that change
# one object without a pause take a sixth of it.
PER_RETURN = 50


@dataclass(frozen=True, slots=True)
class Stuck:
    """The first return that nothing explains, or that has too many possible explanations to try them all."""

    unexplained: AnyOperation
    # The last operations before the last cut, those since then, and the states that were possible at it.
    leading: tuple[AnyOperation, ...]
    segment: tuple[AnyOperation, ...]
    states: tuple[Hashable, ...]
    # One order of what returned since the cut that explains all but the last.
    prefix: tuple[Step, ...]
    is_proven: bool


def first_unexplained(
    model: AnyModel, history: Sequence[Moment], configurations_max: int, *, thorough: bool
) -> Stuck | None:
    """Where a history stops being linearizable; None when it is to its end."""
    return _Search(model, history, configurations_max, thorough=thorough).run()


class _Search:
    def __init__(self, model: AnyModel, history: Sequence[Moment], configurations_max: int, *, thorough: bool) -> None:
        self._model, self._history, self._thorough = model, history, thorough
        self._effort = Effort(configurations_max, configurations_max + PER_RETURN * len(history))
        self._known = [Configuration(0, model.initial())]
        # The number of the first moment after the last cut, and what was known at that cut.
        self._cut, self._known_at_cut = 0, self._known

    def run(self) -> Stuck | None:
        for number, moment in enumerate(self._history):
            if moment.called:
                self._known = [observed(self._model, moment.called, each) for each in self._known]
            try:
                after = self._after(moment)
            except TooManyConfigurations:
                return self._stuck(number, is_proven=False)
            if not after:
                return self._stuck(number, is_proven=True)
            self._known = after
            if moment.is_cut:
                self._known = [Configuration(effective, state) for effective, state, _ in after]
                self._cut, self._known_at_cut = number + 1, self._known
        return None

    def _after(self, moment: Moment) -> list[Configuration]:
        bit, operation = moment.returning
        self._effort.spend(0, len(self._known))
        if not bit:
            stepped = (
                (each, self._model.step(each.state, operation.invocation, operation.response)) for each in self._known
            )
            return _distinct(Configuration(each.effective, state) for each, state in stepped if state is not None)
        explained = [each.without(bit) for each in self._known if each.effective & bit]
        waiting = [each for each in self._known if not each.effective & bit]
        ways = Explanations(self._model, moment, self._effort, thorough=self._thorough)
        return _distinct([*explained, *ways.of(waiting)])

    def _stuck(self, number: int, *, is_proven: bool) -> Stuck:
        last = self._history[number]
        returned = [moment.returning.operation for moment in self._history[: number + 1]]
        still_open = [each.operation for each in (*last.others, *last.observers)]
        segment = dict.fromkeys([*returned[self._cut :], *still_open])
        return Stuck(
            unexplained=last.returning.operation,
            leading=tuple(returned[max(0, self._cut - LEADING) : self._cut]),
            segment=tuple(sorted(segment, key=lambda operation: operation.called)),
            states=tuple(dict.fromkeys(each.state for each in self._known_at_cut)),
            prefix=max((_steps(each.last) for each in self._known), key=len),
            is_proven=is_proven,
        )


def _distinct(configurations: Iterable[Configuration]) -> list[Configuration]:
    return list({each[:2]: each for each in configurations}.values())


def _steps(last: Step | None) -> tuple[Step, ...]:
    found = list[Step]()
    while last is not None:
        found.append(last)
        last = last.before
    return tuple(reversed(found))
