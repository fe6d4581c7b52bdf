"""What a client did and when, seen from outside: its invocation and, if there was one, its response.

Herlihy, Wing: Linearizability: A Correctness Condition for Concurrent Objects. TOPLAS 12(3), 1990.
"""

from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

Invocation = TypeVar("Invocation")
Response = TypeVar("Response")


class Lost(StrEnum):
    """The response of an operation whose answer never came: it may have taken effect, once, or not at all."""

    LOST = "answer lost"


LOST = Lost.LOST


class Operation(NamedTuple, Generic[Invocation, Response]):
    """One call on the objects `keys`; times are integers of one clock that all clients share.

    `returned` is None when the answer was lost and nothing bounds the effect: it may still come at the end of the
    history. When something does bound it, as the death of the only server that knew of the call, that is its time.
    """

    client: str
    keys: tuple[str, ...]
    called: int
    returned: int | None
    invocation: Invocation
    response: Response | Lost
