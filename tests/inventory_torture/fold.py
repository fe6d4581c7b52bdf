"""What a topic tells of stock, by the plainest code that can say it: no part of the service."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

Key = tuple[str, str, str]
# Without one of these it is no movement; a simulation writes no record that is wrong in another way.
_FIELDS = {"event_id", "type", "occurred_at", "source", "sku", "location", "quantity"}


def plain_fold(values: Iterable[bytes | None]) -> tuple[dict[Key, int], set[str]]:
    """On hand by sku, location and bucket, and the event ids; the first record of an id counts."""
    first: dict[str, Any] = {}
    for value in values:
        try:
            event = json.loads(value or b"")
        except ValueError:
            continue
        if isinstance(event, dict) and event.keys() >= _FIELDS:
            first.setdefault(event["event_id"], event)
    by_item: dict[Key, list[Any]] = {}
    for event in first.values():
        key = (event["sku"], event["location"], event.get("bucket") or "on_hand")
        by_item.setdefault(key, []).append((datetime.fromisoformat(event["occurred_at"]), event))
    return {key: _units(events) for key, events in by_item.items()}, set(first)


def _units(events: list[tuple[datetime, Any]]) -> int:
    counts = [(at, -int(event["quantity"])) for at, event in events if event["type"] == "count"]
    moved = [(at, int(event["quantity"])) for at, event in events if event["type"] != "count"]
    if not counts:
        return sum(quantity for _, quantity in moved)
    # Of two counts of one instant the lower stands.
    since, negated = max(counts)
    return -negated + sum(quantity for at, quantity in moved if at >= since)
