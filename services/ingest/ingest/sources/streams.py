"""What can be told of a stream: where it comes from and goes to, and how far its table is behind."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Stream:
    """One way into a bronze table; `through` names what is followed in the source's own words."""

    source: str
    table: str
    through: str


@dataclass(frozen=True)
class Lag:
    """What a table lacks, in the measures that its source has; `since` is when the oldest of it was made."""

    bytes: int | None = None
    events: int | None = None
    seconds: float | None = None
    since: datetime | None = None
