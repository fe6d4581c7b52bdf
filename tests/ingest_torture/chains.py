"""What was done to one key, against what bronze says was done: a copied state, and then every change since. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

COPIED, DELETED = "r", "d"


@dataclass(frozen=True)
class Event:
    """A change: its operation, a hash of the row or None, and whether its place is in quarantine."""

    op: str
    payload: str | None
    rejected: bool = False


def state(history: Sequence[Event]) -> Event | None:
    """The last change, when it left a row."""
    return history[-1] if history and history[-1].op != DELETED else None


def split(found: Sequence[Event]) -> tuple[list[Event], list[Event]]:
    """What was copied, and what was streamed."""
    return [event for event in found if event.op == COPIED], [event for event in found if event.op != COPIED]


def exact(history: Sequence[Event], found: Sequence[Event]) -> str | None:
    """What is wrong, or None: the copy has the state after some changes, the stream exactly all the others.

    For a source whose copy is one moment of it and whose changes carry their own rows.
    """
    copied, streamed = split(found)
    cut = len(history) - len(streamed)
    if cut < 0 or streamed != list(history[cut:]):
        return f"was {_text(history)}, bronze streamed {_text(streamed)}"
    before = state(history[:cut])
    expected = [] if before is None else [Event(COPIED, before.payload, before.rejected)]
    # A copy that was killed after it had written to quarantine leaves there what a row was then, if it changed since.
    earlier = {event.payload for event in history[:cut] if event.rejected}
    if [e for e in copied if e in expected or not e.rejected or e.payload not in earlier] != expected:
        return f"was {_text(history)}, bronze copied {_text(copied)} before {_text(streamed)}"
    return None


def looked_up(history: Sequence[Event], found: Sequence[Event]) -> str | None:
    """The same for a source that looks a changed document up later, and copies while it changes.

    The copy and an update may show any state from their moment on, and none when a delete came in between.
    """
    copied, streamed = split(found)
    cut = len(history) - len(streamed)
    if cut < 0 or [event.op for event in streamed] != [event.op for event in history[cut:]] or len(copied) > 1:
        return f"was {_text(history)}, bronze has {_text(found)}"
    for place, event in enumerate(streamed, cut):
        if event.payload not in _visible(history[place:]) and event != history[place]:
            return f"was {_text(history)}, bronze has {_text(found)}: {event.op} shows what was not there"
    before = state(history[:cut])
    shown = [event.payload for event in copied] or [None]
    later = {event.payload for event in history[cut:] if event.op != DELETED}
    allowed = {before.payload if before else None, *later} | ({None} if _deleted(history[cut:]) else set())
    if shown[0] not in allowed:
        return f"was {_text(history)}, bronze copied {_text(copied)} before {_text(streamed)}"
    return None


def _visible(history: Sequence[Event]) -> set[str | None]:
    first, later = history[0], history[1:]
    if first.op != "u":
        return {first.payload}
    return {event.payload for event in history if event.op != DELETED} | ({None} if _deleted(later) else set())


def _deleted(history: Sequence[Event]) -> bool:
    return any(event.op == DELETED for event in history)


def _text(events: Sequence[Event]) -> str:
    if len(events) > 12:
        return f"… {_text(events[-12:])}"
    return (
        " ".join(f"{event.op}{'!' if event.rejected else ''}:{(event.payload or '-')[:6]}" for event in events) or "-"
    )
