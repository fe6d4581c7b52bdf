"""A fingerprint of the rules: when it changes, what was built by the old rules is built anew."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import shopsphere_kit

_PACKAGE = Path(__file__).parent
_KIT, _KIT_PREFIX = Path(shopsphere_kit.__path__[0]), f"{shopsphere_kit.__name__}."
# The rest of the package decides what is in a table; these decide when and where, or only look.
_OTHERS = frozenset(
    {
        "__main__",
        "ancestry",
        "balances",
        "bootstrap",
        "checks",
        "compaction",
        "counts",
        "declared",
        "engine",
        "errors",
        "events",
        "exact_json",
        "freshness",
        "gains",
    }
    | {
        "history",
        "jobs",
        "keep",
        "lineage",
        "logic",
        "maintenance",
        "places",
        "plans",
        "release",
        "restatement",
        "retention",
        "rollback",
    }
    | {"schedule", "session", "settings", "statistics", "storage", "table_state", "table_work", "upkeep", "warehouse"}
)
_FOLDERS = ("verbs", "erasure", "scanner")


@cache
def fingerprint() -> str:
    """Sixteen hex digits that depend on the code of the rules, not on comments, docstrings or layout."""
    digest = hashlib.sha256()
    rules = sorted(path for path in _PACKAGE.rglob("*.py") if _rules(path.relative_to(_PACKAGE)))
    named = {str(path.relative_to(_PACKAGE)): path for path in rules} | _of_the_kit(rules)
    for name, path in named.items():
        digest.update(name.encode() + b"\0" + _code(path).encode() + b"\0")
    return digest.hexdigest()[:16]


def _of_the_kit(rules: Iterable[Path]) -> dict[str, Path]:
    """The modules of the kit that the rules import: what they say is a rule as well."""
    names = {name for path in rules for name in _imported(ast.parse(path.read_text(encoding="utf-8")))}
    found = {name: _KIT / f"{name.removeprefix(_KIT_PREFIX)}.py" for name in sorted(names)}
    return {name: path for name, path in found.items() if path.is_file()}


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            if node.module.startswith(_KIT_PREFIX):
                yield node.module
            elif node.module == shopsphere_kit.__name__:
                yield from (f"{_KIT_PREFIX}{alias.name}" for alias in node.names)


def _rules(path: Path) -> bool:
    return path.parts[0] not in _FOLDERS and not (len(path.parts) == 1 and path.stem in _OTHERS)


def _code(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body.pop(0)
    return ast.dump(tree)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
