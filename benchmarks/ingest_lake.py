"""A lake that ingest fills, seen from outside: the settings of the process, and what stands in bronze."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from measured_process import MeasuredProcess, measured_process
from pyiceberg.table import Table
from shopsphere_kit.lake import BRONZE, open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_kit.waiting import wait_until

_POLL_SECONDS = 0.02
_DEADLINE_SECONDS = 1800


class Lake:
    """A catalog and warehouse below a folder, which is emptied first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "warehouse").mkdir(parents=True)
        self.settings = LakeSettings(
            catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse"
        )
        # This makes the catalog's tables.
        self._catalog = open_catalog(self.settings)
        self._rows: dict[str, tuple[str, int]] = {}

    def keep(self) -> None:
        """Keep a copy of the lake as it is, for `restore`."""
        shutil.copytree(self.folder, self._kept)

    def restore(self) -> None:
        """Bring back what `keep` kept, in the same place, for metadata name their files by path."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)
        # The old one holds a connection to the file that was removed.
        self._catalog = open_catalog(self.settings)
        self._rows.clear()

    @property
    def _kept(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-kept")

    @contextmanager
    def ingest(self, **variables: str) -> Iterator[MeasuredProcess]:
        """Run `python -m ingest run` into this lake with its default settings and these."""
        env = {
            "SHOPSPHERE_LAKE_CATALOG_URI": self.settings.catalog_uri,
            "SHOPSPHERE_LAKE_WAREHOUSE": self.settings.warehouse,
            "INGEST_REST_PORT": "0",
            **variables,
        }
        with measured_process([sys.executable, "-m", "ingest", "run"], env, self.log) as process:
            yield process

    def metadata_location(self, name: str) -> str | None:
        """Where the catalog says that a bronze table's metadata are, which every commit changes; None for no table."""
        # PyIceberg would read the metadata each time; a poll must not take from the cores that it measures.
        with closing(sqlite3.connect(f"file:{self.folder}/catalog.db?mode=ro", uri=True, timeout=60)) as catalog:
            query = "select metadata_location from iceberg_tables where table_namespace = ? and table_name = ?"
            found = catalog.execute(query, (BRONZE, name)).fetchone()
        return str(found[0]) if found else None

    def table(self, name: str) -> Table:
        """A bronze table as it is now."""
        return self._catalog.load_table(f"{BRONZE}.{name}")

    def rows(self, name: str) -> int | None:
        """How many rows a bronze table has, None while there is no table."""
        location = self.metadata_location(name)
        if location is None:
            return None
        known, rows = self._rows.get(name, ("", 0))
        if known != location:
            snapshot = self.table(name).current_snapshot()
            rows = int(snapshot.summary["total-records"] or 0) if snapshot and snapshot.summary else 0
            self._rows[name] = (location, rows)
        return rows

    def wait_for_rows(self, expected: Mapping[str, int], process: MeasuredProcess) -> None:
        """Wait until the tables have so many rows; raises when the process ends before that, or there are more."""
        missing = dict(expected)

        def all_there() -> bool:
            process.check()
            for name, rows in list(missing.items()):
                found = self.rows(name)
                assert found is None or found <= rows, f"{name} has {found} rows, the source {rows}"
                if found == rows:
                    del missing[name]
            return not missing

        what = f"the rows of {', '.join(expected)} in bronze"
        wait_until(all_there, deadline_seconds=_DEADLINE_SECONDS, what=what, poll_seconds=_POLL_SECONDS)

    def files(self, name: str) -> list[str]:
        """The paths of a table's data files."""
        return [task.file.file_path.removeprefix("file://") for task in self.table(name).scan().plan_files()]
