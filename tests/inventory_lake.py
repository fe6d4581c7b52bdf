"""A small lake as the transform leaves it: the topic in bronze, movements and daily closes in silver, one release."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from inventory.stock import ApplyMovement
from inventory_builders import NOON
from pyiceberg.catalog import Catalog

_MOMENT = pa.timestamp("us", tz="UTC")
_Columns = list[tuple[str, Any]]
_RECORDS: _Columns = [("partition", pa.int32()), ("offset", pa.int64()), ("value", pa.binary())]
_MOVEMENTS: _Columns = [(name, pa.string()) for name in ("event_id", "sku", "location")]
_CLOSES: _Columns = [
    ("sku", pa.string()),
    ("location", pa.string()),
    ("day", pa.date32()),
    ("on_hand_close", pa.int64()),
]
_RELEASES: _Columns = [
    ("release_id", pa.string()),
    ("created_at", _MOMENT),
    ("tables", pa.map_(pa.string(), pa.int64())),
]


def write_records(catalog: Catalog, records: Iterable[tuple[int, int, bytes | None]]) -> None:
    """What ingest keeps of the topic."""
    rows = [{"partition": partition, "offset": offset, "value": value} for partition, offset, value in records]
    _write(catalog, "bronze.bronze_kafka__stock_movements", rows, _RECORDS)


def publish(
    catalog: Catalog, movements: Sequence[ApplyMovement], release_id: str = "R1", created_at: datetime = NOON
) -> None:
    """A release of these movements, none of which is a count: each day closes with the sum so far."""
    known = [{"event_id": each.event_id, "sku": each.item.sku, "location": each.item.location} for each in movements]
    snapshots = {
        "silver.stock_movements_clean": _write(catalog, "silver.stock_movements_clean", known, _MOVEMENTS),
        "silver.inventory_snapshots": _write(catalog, "silver.inventory_snapshots", _closes(movements), _CLOSES),
    }
    release = {"release_id": release_id, "created_at": created_at, "tables": list(snapshots.items())}
    _write(catalog, "gold.releases", [release], _RELEASES)


def _closes(movements: Sequence[ApplyMovement]) -> list[dict[str, Any]]:
    on_hand: dict[Any, int] = defaultdict(int)
    closes = {}
    for each in sorted(movements, key=lambda movement: movement.occurred_at):
        on_hand[each.item] += each.quantity
        closes[each.item, each.occurred_at.date()] = on_hand[each.item]
    return [
        {"sku": item.sku, "location": item.location, "day": day, "on_hand_close": units}
        for (item, day), units in closes.items()
    ]


def _write(catalog: Catalog, name: str, rows: list[dict[str, Any]], columns: _Columns) -> int:
    schema = pa.schema(columns)
    catalog.create_namespace_if_not_exists(name.partition(".")[0])
    table = catalog.create_table_if_not_exists(name, schema)
    told = pa.Table.from_pylist(rows, schema)
    if table.current_snapshot() and name != "gold.releases":
        table.overwrite(told)
    else:
        table.append(told)
    snapshot = catalog.load_table(name).current_snapshot()
    assert snapshot is not None
    return snapshot.snapshot_id
