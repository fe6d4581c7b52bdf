"""The order of primary keys as PostgreSQL has it, for those types whose order can be told here too. Pure."""

from collections.abc import Sequence
from typing import Any

from ingest.pgoutput import Column

# Whole numbers, uuid (its text in lower case sorts as its bytes do), and text compared by its bytes (collation "C").
_NUMBERS = frozenset((20, 21, 23, 26))
_UUID = 2950
TEXTS = frozenset((25, 1043))
_ORDERED = _NUMBERS | TEXTS | {_UUID}

Key = tuple[str, ...]


def is_ordered(columns: Sequence[Column]) -> bool:
    """Whether keys of these columns can be compared here exactly as the server does."""
    return bool(columns) and all(column.type_oid in _ORDERED for column in columns)


def order(columns: Sequence[Column], key: Key) -> tuple[Any, ...]:
    """A value that compares as the server compares the key (text by collation "C")."""
    pairs = zip(columns, key, strict=True)
    return tuple(int(text) if column.type_oid in _NUMBERS else text.encode() for column, text in pairs)
