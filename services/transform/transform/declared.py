"""What Python functions between Arrow batches make their columns from; Spark's plan cannot look inside of them."""

from collections.abc import Callable
from typing import TypeVar

_Function = TypeVar("_Function", bound=Callable[..., object])
# By the function's name, which is all that a plan tells of it. A column that is not declared comes from all inputs;
# "*" with nothing says that each row comes from one row, so that no column decides which rows there are.
MADE_FROM: dict[str, dict[str, tuple[str, ...]]] = {}


def made_from(**columns: tuple[str, ...]) -> Callable[[_Function], _Function]:
    """Declare which input columns each output column of a function is made from; `rows=()`: one row from each row."""

    def declare(function: _Function) -> _Function:
        name = function.__name__
        if name in MADE_FROM:
            raise ValueError(f"two functions named {name} declare what they are made from; rename one")
        MADE_FROM[name] = {"*" if column == "rows" else column: sources for column, sources in columns.items()}
        return function

    return declare
