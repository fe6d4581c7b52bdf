"""Whether the sources still say something: the newest rows of each bronze table, against what it promises."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError

from transform import bronze
from transform.ancestry import newest_first
from transform.gains import brings_rows


@dataclass(frozen=True)
class Freshness:
    """When a bronze table last gained rows, None when it never did, and within which time it should."""

    table: str
    gained_at: datetime | None
    within: timedelta

    def is_stale(self, now: datetime) -> bool:
        """Whether it gained nothing for too long. What it holds is as right as ever, so no release waits for it."""
        return self.gained_at is None or now - self.gained_at > self.within


def freshness(catalog: Catalog) -> list[Freshness]:
    """Of every bronze table that is there and makes a promise; from its snapshots, no row is read."""
    found = []
    for name, within in bronze.FRESH_WITHIN.items():
        try:
            table = catalog.load_table(name)
        except NoSuchTableError:
            continue
        # Maintenance rewrites files, too, but only an append brings rows.
        last = next(filter(brings_rows, newest_first(table)), None)
        gained_at = datetime.fromtimestamp(last.timestamp_ms / 1000, UTC) if last else None
        found.append(Freshness(name, gained_at, within))
    return found
