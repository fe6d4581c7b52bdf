"""A reader that polls while runs, deaths and rollbacks go on: whatever it pins belongs together, and stays the same."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyiceberg.catalog import Catalog
from shopsphere_kit.lake import Release, latest_release, scan_release
from transform import release

# Between two looks; a look reads nine tables.
_PAUSE_SECONDS = 3.0
LINES, FACTS = "silver.orders_unified", "gold.fact_order"
USERS, BELIEFS, MEMBERS = "silver.users_scd", "silver.users_beliefs", "gold.dim_users"
CUSTOMERS = "gold.customer_360"
EVENTS, KEPT_EVENTS = "silver.events_clean", "silver.judged_events"


def mixed(catalog: Catalog, pinned: Release) -> list[str]:
    """What in the tables of a release does not belong together."""
    figures = {
        "order lines and facts": (_sums(catalog, pinned, LINES), _sums(catalog, pinned, FACTS)),
        "versions and what is believed of them": (
            _rows(catalog, pinned, USERS),
            _values(catalog, pinned, BELIEFS, "superseded_at").count(None),
        ),
        "versions and members": (_rows(catalog, pinned, USERS), _rows(catalog, pinned, MEMBERS) - 1),
        "customers of versions and of customer 360": (
            set(_values(catalog, pinned, USERS, "customer_id")),
            set(_values(catalog, pinned, CUSTOMERS, "customer_id")),
        ),
        "events and what is kept of them": (
            _rows(catalog, pinned, EVENTS),
            _values(catalog, pinned, KEPT_EVENTS, "_is_clean").count(True),
        ),
    }
    return [f"{what}: {one} and {other}" for what, (one, other) in figures.items() if one != other]


def _sums(catalog: Catalog, pinned: Release, table: str) -> Counter[tuple[object, ...]]:
    columns = ("order_id", "line_number", "quantity", "total_amount", "status")
    rows = scan_release(catalog, pinned, table, columns).to_pylist()
    return Counter(tuple(row[name] for name in columns) for row in rows)


def _rows(catalog: Catalog, pinned: Release, table: str) -> int:
    return int(scan_release(catalog, pinned, table).num_rows)


def _values(catalog: Catalog, pinned: Release, table: str, name: str) -> list[object]:
    return list(scan_release(catalog, pinned, table, (name,))[name].to_pylist())


@dataclass
class Reader:
    """Looks at the newest release again and again."""

    catalog: Catalog
    looks: int = 0
    problems: list[str] = field(default_factory=list)
    seen: dict[str, Release] = field(default_factory=dict)
    _rows: dict[str, dict[str, int]] = field(default_factory=dict)

    def look(self) -> None:
        """One look."""
        pinned = latest_release(self.catalog)
        if pinned is None:
            return
        try:
            found = mixed(self.catalog, pinned)
            rows = {name: _rows(self.catalog, pinned, name) for name in (LINES, CUSTOMERS)}
        except Exception as error:
            if pinned.release_id in {row.release_id for row in release.published(self.catalog)}:
                self.problems.append(f"{pinned.release_id} cannot be read: {error!r}")
            return
        if self._rows.setdefault(pinned.release_id, rows) != rows:
            found.append(f"had {self._rows[pinned.release_id]} rows, and now {rows}")
        self.looks += 1
        self.seen.setdefault(pinned.release_id, pinned)
        self.problems += [f"a reader of {pinned.release_id} saw {each}" for each in found]

    def blind(self) -> list[str]:
        """Whether `mixed` finds nothing in a mix of the first and the last release that were seen, and could."""
        kept = {row.release_id for row in release.published(self.catalog)}
        readable = [each for name, each in self.seen.items() if name in kept]
        if len(readable) < 2:
            return []
        first, last = readable[0], readable[-1]
        mix = Release("a mix", last.created_at, {**last.snapshots, LINES: first.snapshots[LINES]})
        differ = _sums(self.catalog, first, LINES) != _sums(self.catalog, last, LINES)
        return ["the reader does not notice a mix"] if differ and not mixed(self.catalog, mix) else []


@contextmanager
def reading(catalog: Catalog) -> Iterator[Reader]:
    """A reader in a thread, for as long as the block lasts."""
    reader, over = Reader(catalog), threading.Event()

    def poll() -> None:
        while not over.wait(_PAUSE_SECONDS):
            reader.look()

    thread = threading.Thread(target=poll, name="reader")
    thread.start()
    try:
        yield reader
    finally:
        over.set()
        thread.join()
        reader.look()
