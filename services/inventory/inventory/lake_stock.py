"""The lake's view of stock: the daily closes of one release, and the topic's records in bronze."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import In
from shopsphere_kit import lake
from shopsphere_kit.lake import Release

from inventory.errors import NoRelease
from inventory.journal import Item
from inventory.rebuilding import Value
from inventory.topic_reader import CHUNK_RECORDS

SNAPSHOTS, MOVEMENTS = f"{lake.SILVER}.inventory_snapshots", f"{lake.SILVER}.stock_movements_clean"
RECORDS = f"{lake.BRONZE}.bronze_kafka__stock_movements"
# Of one filter; the table is sorted by sku, so files without any of them are not opened.
_SKUS_PER_SCAN = 500


class LakeStock:
    """The stock of one pinned release."""

    def __init__(self, catalog: Catalog, pinned: Release) -> None:
        self._catalog, self._pinned = catalog, pinned

    @property
    def release_id(self) -> str:
        """The release that is read."""
        return self._pinned.release_id

    def closes(self) -> dict[Item, int]:
        """On hand at the close of each item's last day; a day without a movement closes as the one before."""
        columns = ("sku", "location", "day", "on_hand_close")
        days = lake.scan_release(self._catalog, self._pinned, SNAPSHOTS, columns).sort_by("day")
        return {Item(row["sku"], row["location"]): row["on_hand_close"] for row in days.to_pylist()}

    def event_ids(self, items: Iterable[Item]) -> dict[Item, frozenset[str]]:
        """The event ids of the items' movements."""
        wanted, found = set(items), defaultdict[Item, set[str]](set)
        for skus in _pages(sorted({item.sku for item in wanted}), _SKUS_PER_SCAN):
            for row in self._movements(skus).to_pylist():
                found[Item(row["sku"], row["location"])].add(row["event_id"])
        return {item: frozenset(found[item]) for item in wanted & found.keys()}

    def _movements(self, skus: Sequence[str]) -> pa.Table:
        stored = lake.readable(self._catalog, self._pinned, MOVEMENTS)
        snapshot = self._pinned.snapshots[MOVEMENTS]
        columns = ("event_id", "sku", "location")
        return stored.scan(In(term="sku", literals=set(skus)), columns, snapshot_id=snapshot).to_arrow()


def newest(catalog: Catalog) -> LakeStock:
    """The stock of the latest release; raises NoRelease before the first."""
    pinned = lake.latest_release(catalog)
    if pinned is None:
        raise NoRelease("the lake holds no release yet; run `python -m transform run` first")
    return LakeStock(catalog, pinned)


def recorded(catalog: Catalog) -> pa.Table:
    """Every record of the topic that bronze has, rejected ones too, in the order of partitions and offsets."""
    try:
        stored = catalog.load_table(RECORDS)
    except NoSuchTableError as error:
        raise NoRelease(f"the lake has no {RECORDS} yet; run ingest first, or rebuild from Kafka") from error
    rows = stored.scan(selected_fields=("partition", "offset", "value")).to_arrow()
    return rows.sort_by([("partition", "ascending"), ("offset", "ascending")])


async def values_of(rows: pa.Table) -> AsyncIterator[list[Value]]:
    """The positions and values of recorded rows."""
    for chunk in rows.to_batches(max_chunksize=CHUNK_RECORDS):
        yield [(row["partition"], row["offset"], row["value"]) for row in chunk.to_pylist()]
        await asyncio.sleep(0)


def _pages(values: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))
