"""What Python functions between Arrow batches make their columns from; Spark's plan cannot look inside of them."""

from collections.abc import Callable
from typing import TypeVar

_Function = TypeVar("_Function", bound=Callable[..., object])
# A row is made from one row, so that no column decides which rows there are.
ROWS = "*"
# A column that is not named here and is named like an input's is made from that.
SAME = "="
# By the function's name, which is all that a plan tells of it. What is not declared comes from all inputs.
MADE_FROM: dict[str, dict[str, tuple[str, ...]]] = {}


def made_from(*rules: str, **columns: tuple[str, ...]) -> Callable[[_Function], _Function]:
    """Declare which input columns each output column of a function is made from; `rules` are ROWS and SAME."""

    def named(function: _Function) -> _Function:
        declare(function.__name__, *rules, **columns)
        return function

    return named


def declare(function: str, *rules: str, **columns: tuple[str, ...]) -> None:
    """Declare it of a function that is made anew whenever it is needed."""
    if function in MADE_FROM:
        raise ValueError(f"two functions named {function} declare what they are made from; rename one")
    MADE_FROM[function] = columns | dict.fromkeys(rules, ())
