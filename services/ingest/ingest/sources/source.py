"""The one shape that every source has."""

from collections.abc import Callable, Sequence
from typing import Protocol

import pyarrow as pa

from ingest.batch import Batch, Pace
from ingest.position import Position

Positions = Callable[[str], Position | None]


class Source(Protocol):
    """A system of record, read in its own order by one thread.

    `open`, then `read` and `acknowledge` in turn, then `close`; after an error `close` and `open` again. Every method
    raises SourceUnavailable when the server is away and PositionLost when it has forgotten what should follow.
    """

    @property
    def name(self) -> str:
        """What logs and metrics call it ("kafka:events")."""
        ...

    @property
    def fixed_tables(self) -> dict[str, pa.Schema]:
        """Bronze tables whose columns are known before the first row; they exist from the start."""
        ...

    def open(self, positions: Positions) -> None:
        """Connect, and go to the recorded position of each table."""
        ...

    def read(self, pace: Pace) -> Sequence[Batch]:
        """The next rows by table, at latest `pace.seconds` after the first came, or after waiting so long for it."""
        ...

    def acknowledge(self) -> None:
        """Everything read is committed: let the server forget it."""
        ...

    def close(self) -> None:
        """Give back the connection; never raises."""
        ...
