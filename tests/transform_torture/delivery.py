"""A row of bronze as a history has it: the table it comes into, and its place in the log of its source."""

import random
from dataclasses import dataclass, field
from datetime import datetime

from bronze_builders import Row, at
from transform import bronze

# Histories of one lake; the place of a row is a number of its history times this, and the history: no two are equal.
HISTORIES_MAX = 99
# A place is drawn from a thousand million, so that the rows of histories lie between each other.
_PLACES = 10**9


@dataclass(frozen=True)
class Delivery:
    """One row that comes into a bronze table; `progress` tells how far through its log it stands, from 0 to 1."""

    history: int
    table: str
    row: Row
    progress: float


@dataclass
class Log:
    """Takes the rows of one history, each after the one before it."""

    history: int
    chance: random.Random
    _rows: list[tuple[str, Row]] = field(default_factory=list)

    def add(self, table: str, row: Row) -> None:
        """One more row."""
        self._rows.append((table, row))

    def deliveries(self) -> list[Delivery]:
        """The rows, each at its place."""
        places = sorted(self.chance.sample(range(_PLACES), len(self._rows)))
        return [self._delivery(table, row, place) for (table, row), place in zip(self._rows, places, strict=True)]

    def _delivery(self, table: str, row: Row, drawn: int) -> Delivery:
        place = drawn * (HISTORIES_MAX + 1) + self.history
        is_change = table in bronze.LOGS
        stamps = {
            "_position": f"{place:016X}/00000000" if is_change else f"00000/{place:020d}",
            "_committed_at": a_moment(self.chance),
            "_ingested_at": a_moment(self.chance),
        }
        # A builder numbers records by how many there were in this process; a seed must not depend on that.
        numbered = {"offset": place} if "offset" in row else {}
        return Delivery(self.history, table, row | numbered | stamps, drawn / _PLACES)


def a_moment(chance: random.Random) -> datetime:
    """One of forty moments, so that many events happen at the same one."""
    return at(chance.randrange(40) / 4)
