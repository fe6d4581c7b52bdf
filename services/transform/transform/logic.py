"""A fingerprint of the rules: when it changes, what was built by the old rules is built anew."""

import ast
import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
# These decide what is in a table; the rest of the package decides when and where.
_RULES = ("tables", "identity")
_MODULES = (
    "bronze", "changes", "columns", "contract", "deliveries", "dimension", "documents", "movement", "records", "scd2",
    "versions", "identity",
)  # fmt: skip


@cache
def fingerprint() -> str:
    """Sixteen hex digits that depend on the code of the rules, not on comments, docstrings or layout."""
    files = [_PACKAGE / f"{name}.py" for name in _MODULES]
    files += [path for name in _RULES for path in (_PACKAGE / name).rglob("*.py")]
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.exists()):
        digest.update(str(path.relative_to(_PACKAGE)).encode() + b"\0" + _code(path).encode() + b"\0")
    return digest.hexdigest()[:16]


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
