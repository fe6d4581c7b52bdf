"""What a bronze change log of PostgreSQL adds up to: its rows folded by key in the order of `_position`. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Row = Mapping[str, Any]
Key = tuple[Any, ...]


class Special(Enum):
    """Values that no row of bronze holds."""

    QUARANTINED = "only in quarantine"
    NOWHERE = "marked as unchanged, and no earlier row has it"


UNKNOWN, NOWHERE = Special.QUARANTINED, Special.NOWHERE


@dataclass(frozen=True)
class Change:
    """One change, from bronze or (then with a reason) from quarantine; values are canonical."""

    op: str
    position: str
    key: Key
    values: Row
    unchanged: frozenset[str] = frozenset()
    reason: str | None = None


@dataclass
class Folded:
    """What is left: by key, the values, and those keys whose last change is in quarantine, with its reason."""

    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    quarantined: dict[Key, tuple[str, str]] = field(default_factory=dict)


def fold(changes: Iterable[Change]) -> Folded:
    """Apply the changes in the order of their positions."""
    state = Folded()
    # The row that the last change took away; None when only quarantine has it.
    gone: Row | None = {}
    for change in sorted(changes, key=lambda change: change.position):
        if change.op == "t":
            state, gone = Folded(), {}
            continue
        before = None if change.key in state.quarantined else state.rows.get(change.key, {})
        # A changed key is a delete and, right after it, a create whose values that were not sent are the deleted row's.
        origin = gone if change.op == "c" else before
        state.rows.pop(change.key, None)
        state.quarantined.pop(change.key, None)
        if change.op == "d":
            gone = before
        if change.reason is not None:
            state.quarantined[change.key] = (change.op, change.reason)
        elif change.op != "d":
            state.rows[change.key] = _completed(change, origin)
    return state


def _completed(change: Change, before: Row | None) -> dict[str, Any]:
    return {
        name: _carried(name, before) if name in change.unchanged else value for name, value in change.values.items()
    }


def _carried(name: str, before: Row | None) -> object:
    return UNKNOWN if before is None else before.get(name, NOWHERE)


def unchanged_names(value: object) -> frozenset[str]:
    """The names in a `_unchanged` column: a list, or its text."""
    if not value:
        return frozenset()
    if isinstance(value, str):
        names: Sequence[str] = json.loads(value) if value.startswith("[") else value.split(",")
        return frozenset(name.strip() for name in names)
    return frozenset(value)  # type: ignore[call-overload,no-any-return]  # a list column gives a list


def differences(folded: Folded, source: Mapping[Key, Row], name: str) -> list[str]:
    """Where the folded table is not the source's, in words; keys whose last change is in quarantine are left out."""
    found = []
    for key in sorted({*folded.rows, *source} - set(folded.quarantined), key=repr):
        ours, theirs = folded.rows.get(key), source.get(key)
        if ours is None or theirs is None:
            found.append(f"{name}: {key!r} is only in {'the source' if ours is None else 'bronze'}")
            continue
        wrong = [c for c in theirs if ours.get(c) is not UNKNOWN and ours.get(c) != theirs[c]]
        found.extend(f"{name}: {key!r} {c}: bronze {_short(ours.get(c))}, source {_short(theirs[c])}" for c in wrong)
    for key, (op, reason) in folded.quarantined.items():
        if (op != "d") != (key in source):
            found.append(f"{name}: {key!r} ended in quarantine as {op} ({reason}), which is not how the source ended")
    return found


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 120 else f"{text[:100]}… ({len(text)} characters)"
