"""What reading a quarantined record again gives: a row that its table can take now, or nothing yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ingest.batch import Rejected


@dataclass(frozen=True)
class Reread:
    """Good rows for one bronze table, and the `_position` that each record's row has or would have.

    A record without a place cannot be read again at all; one whose place no row has is rejected as before.
    """

    table: str
    rows: Sequence[pa.Table]
    places: Mapping[tuple[str, str], str]


# Takes records of one source ("kafka:events"); raises SourceUnavailable when the source must be asked and is away.
Reader = Callable[[str, Sequence[Rejected]], Reread]


def identity(record: Rejected) -> tuple[str, str]:
    """What quarantine knows a record by."""
    return record.source, record.position
