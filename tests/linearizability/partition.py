"""A history by objects: what shares no object can be checked apart, since linearizability is local.

Horn, Kroening: Faster Linearizability Checking via P-Compositionality. FORTE 2015. Operations on several objects at
once tie these together, for locality speaks of operations on one.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from linearizability.operation import Operation

Invocation = TypeVar("Invocation")
Response = TypeVar("Response")
Keys = tuple[str, ...]


def partition(history: Iterable[Operation[Invocation, Response]]) -> dict[Keys, list[Operation[Invocation, Response]]]:
    """The operations by the objects that they tie together, each group's objects sorted."""
    by_keys: defaultdict[Keys, list[Operation[Invocation, Response]]] = defaultdict(list)
    for operation in history:
        by_keys[operation.keys].append(operation)
    parts: defaultdict[Keys, list[Operation[Invocation, Response]]] = defaultdict(list)
    tied = _tied(by_keys)
    for keys, operations in by_keys.items():
        parts[tied[keys[0]]] += operations
    return dict(parts)


def _tied(groups: Iterable[Keys]) -> dict[str, Keys]:
    parents: dict[str, str] = {}
    for keys in groups:
        for key in keys:
            parents[_root(parents, key)] = _root(parents, keys[0])
    members: defaultdict[str, list[str]] = defaultdict(list)
    for key in sorted(parents):
        members[_root(parents, key)].append(key)
    return {key: tuple(together) for together in members.values() for key in together}


def _root(parents: dict[str, str], key: str) -> str:
    while (parent := parents.setdefault(key, key)) != key:
        # Halves the path, so that finding stays next to constant (Tarjan, van Leeuwen 1984).
        parents[key] = key = parents[parent]
    return key
