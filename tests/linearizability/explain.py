"""A verdict for people: what cannot be explained, and all that one needs to see why."""

from collections.abc import Iterator, Sequence

from linearizability.breadth_first import Stuck
from linearizability.checker import Verdict
from linearizability.configurations import Step
from linearizability.moments import AnyOperation

# Of a list this many lines are printed, the last ones, and of possible states so many.
_LINES, _STATES = 40, 5


def explain(verdict: Verdict) -> str:
    """What a verdict found, object by object; the columns of an operation are client, call, return, what was said."""
    if verdict.is_linearizable:
        return f"{verdict.operations:,} operations: linearizable"
    return "\n\n".join("\n".join(_explained(", ".join(keys), stuck)) for keys, stuck in verdict.stuck.items())


def _explained(keys: str, stuck: Stuck) -> Iterator[str]:
    yield f"{keys}: not linearizable" if stuck.is_proven else f"{keys}: no order found, and too many to try them all"
    yield from _listed("what no order explains" if stuck.is_proven else "it ends at", [_line(stuck.unexplained)])
    yield from _listed("the last operations before nothing was open", [_line(each) for each in stuck.leading])
    yield from _listed("the states possible then", [str(state) for state in stuck.states[:_STATES]])
    yield from _listed("operations since then, by their calls", [_line(each) for each in stuck.segment])
    yield from _listed("an order of the longest prefix that has one", [_step_line(each) for each in stuck.prefix])


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    left_out = len(lines) - _LINES
    yield f"  {title}, the last {_LINES} of {len(lines)}:" if left_out > 0 else f"  {title}:"
    yield from (f"    {line}" for line in lines[-_LINES:])


def _line(operation: AnyOperation) -> str:
    end = "never" if operation.returned is None else operation.returned
    return f"{operation.client:<8} {operation.called:>12} {end:>12}  {operation.invocation} -> {operation.response}"


def _step_line(step: Step) -> str:
    return f"{step.operation.client:<8} {step.operation.invocation} -> {step.operation.response}  leaves {step.state}"
