"""A fingerprint of the rules: when it changes, what was built by the old rules is built anew."""

import ast
import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
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
    for path in sorted(path for path in _PACKAGE.rglob("*.py") if _rules(path.relative_to(_PACKAGE))):
        digest.update(str(path.relative_to(_PACKAGE)).encode() + b"\0" + _code(path).encode() + b"\0")
    return digest.hexdigest()[:16]


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
