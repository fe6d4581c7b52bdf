"""A lake of one run, and what must hold of every table in it whatever was killed: no file and no position twice."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.manifest import ManifestEntry, ManifestEntryStatus
from pyiceberg.table import Table
from shopsphere_kit.lake import BRONZE, open_catalog
from shopsphere_kit.settings import LakeSettings

# What tells rows of a table apart, when it is not `_position`.
_IDENTITY = {"quarantine": ("source", "position")}


def a_lake(folder: Path) -> LakeSettings:
    """An empty lake in a new folder, whose name has a space on purpose."""
    lake = folder / "the lake"
    (lake / "warehouse").mkdir(parents=True)
    return LakeSettings(catalog_uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}/warehouse")


def rows(lake: LakeSettings, table: str) -> pa.Table | None:
    """All rows of a bronze table, or None when there is no such table."""
    try:
        return open_catalog(lake).load_table(f"{BRONZE}.{table}").scan().to_arrow()
    except NoSuchTableError:
        return None


def tables(catalog: Catalog) -> list[str]:
    """The names of all bronze tables."""
    if not catalog.namespace_exists(BRONZE):
        return []
    return sorted(identifier[-1] for identifier in catalog.list_tables(BRONZE))


def problems(lake: LakeSettings) -> list[str]:
    """Files and positions that are there twice, in words."""
    catalog = open_catalog(lake)
    found = []
    for name in tables(catalog):
        table = catalog.load_table(f"{BRONZE}.{name}")
        found += [f"{name}: {trouble}" for trouble in (*_files_twice(table), *_positions_twice(name, table))]
    return found


def _files_twice(table: Table) -> list[str]:
    added: Counter[str] = Counter()
    seen = set()
    for snapshot in table.snapshots():
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path not in seen:
                seen.add(manifest.manifest_path)
                added.update(_added(manifest.fetch_manifest_entry(table.io)))
    live: Counter[str] = Counter()
    current = table.current_snapshot()
    for manifest in current.manifests(table.io) if current else []:
        entries = manifest.fetch_manifest_entry(table.io)
        live.update(e.data_file.file_path for e in entries if e.status != ManifestEntryStatus.DELETED)
    return [f"file added twice: {path}" for path, times in added.items() if times > 1] + [
        f"file live twice: {path}" for path, times in live.items() if times > 1
    ]


def _added(entries: Iterable[ManifestEntry]) -> list[str]:
    return [entry.data_file.file_path for entry in entries if entry.status == ManifestEntryStatus.ADDED]


def _positions_twice(name: str, table: Table) -> list[str]:
    columns = _IDENTITY.get(name, ("_position",))
    read = table.scan(selected_fields=columns).to_arrow()
    times = Counter(zip(*(read[column].to_pylist() for column in columns), strict=True))
    return [f"position twice: {place}" for place, count in times.items() if count > 1]
