"""What the stock is, as one hash: equal for two states that were told the same, however they came about."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from inventory.journal import Balance, Bucket, Item
from inventory.wire import microseconds

_MODULUS = 2**256


class Balances(Protocol):
    """Whatever holds balances."""

    def balances(self) -> AsyncIterator[tuple[Item, Balance]]:
        """Every item once."""
        ...


class Contents(Balances, Protocol):
    """A state that can be read as a whole, while nobody writes to it."""

    def event_ids(self) -> AsyncIterator[str]:
        """Every event id taken, once."""
        ...

    async def outbox_length(self) -> int:
        """How many movements the topic still lacks."""
        ...


@dataclass(frozen=True, slots=True)
class Content:
    """What the hash covers, counted; `outbox` tells how many movements are in the state and not yet on the topic."""

    items: int
    units_on_hand: int
    event_ids: int
    outbox: int
    sha256: str


class ContentHash:
    """A hash of a set: the sum of the hashes of its members, so nothing must be sorted or held."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, *parts: object) -> None:
        """One member of the set; no part contains a line feed."""
        line = "\n".join(map(str, parts)).encode()
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(line).digest())) % _MODULUS

    def hexdigest(self) -> str:
        """The hash of all that was added, as hexadecimal digits."""
        return f"{self._sum:064x}"


async def measure(contents: Contents) -> Content:
    """Read a state and hash what the topic tells of it.

    It covers the units and the last count's time of every item, and every event id. It does not cover what the topic
    does not know: when something was recorded, in which order, live holds and what is reserved for them, ended
    holds, first answers. While movements wait in the outbox the topic cannot lead to the same hash.
    """
    found, items, units, ids = ContentHash(), 0, 0, 0
    async for item, balance in contents.balances():
        counted_at = microseconds(balance.counted_at) if balance.counted_at else ""
        found.add("item", item.sku, item.shelf, balance.on_hand, counted_at)
        items += 1
        units += balance.on_hand if item.bucket is Bucket.ON_HAND else 0
    async for event_id in contents.event_ids():
        found.add("event", event_id)
        ids += 1
    return Content(items, units, ids, await contents.outbox_length(), found.hexdigest())
