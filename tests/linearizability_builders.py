"""Builders of recorded operations."""

from linearizability.moments import AnyOperation
from linearizability.operation import LOST, Operation


def told(called: int, returned: int, invocation: object, response: object, *keys: str) -> AnyOperation:
    """An operation on P1, or on the objects named."""
    return Operation("client", keys or ("P1",), called, returned, invocation, response)


def lost(called: int, invocation: object, ended: int | None = None) -> AnyOperation:
    """An operation whose answer was lost; `ended` says until when it could take effect."""
    return Operation("client", ("P1",), called, ended, invocation, LOST)


def one_by_one(*pairs: tuple[object, object], start: int = 0) -> list[AnyOperation]:
    """Operations that do not overlap, ten ticks each, the first called at `start`."""
    return [told(start + 10 * number, start + 10 * number + 9, *pair) for number, pair in enumerate(pairs)]
