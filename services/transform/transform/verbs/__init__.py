"""The verbs of the command line, one module each: `add` makes the parser, `run` acts and returns the exit code.

Only the module of the verb that is asked for is loaded, so that `history` does not wait for Spark. A verb that needs no
settings says so with `set_defaults(needs_settings=False)` and is given None.
"""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

NAMES = (
    *("run", "releases", "rollback", "checks", "hash"),
    *("lineage", "history", "resolve", "explain_link", "maintain", "scan", "erase"),
)


def loaded(given: Sequence[str]) -> list[ModuleType]:
    """The module of the verb that the arguments begin with; all of them when it has none or there is no verb."""
    asked = [name for name in NAMES if given and name == given[0].replace("-", "_")]
    return [import_module(f"{__name__}.{name}") for name in asked or NAMES]
