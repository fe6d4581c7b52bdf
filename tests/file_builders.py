"""Builders for the file source's tests: folders of CSV files, loads of them, and a process that is killed."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ingest.iceberg_tables import IcebergTables
from ingest.load_files import FileLoad, Outcome, Request
from ingest.loaded_files import IcebergFileLedger
from ingest.sink import Fault, IcebergSink
from ingest.sources.files import find
from ingest_builders import bronze, environment
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings

TABLE = "bronze_files__shop"


def no_fault(_: str) -> None:
    pass


@dataclass
class Shop:
    """A folder of files and the bronze table that they are loaded into."""

    lake: LakeSettings
    folder: Path
    pattern: str = "*.csv"
    told: list[str] = field(default_factory=list)

    def write(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, request: Request | None = None, fault: Fault = no_fault) -> Outcome:
        catalog = open_catalog(self.lake)
        sink = IcebergSink(IcebergTables(catalog), SystemClock(), fault)
        load = FileLoad(sink, IcebergFileLedger(catalog), request or Request(TABLE), self.told.append)
        return load.run(find(str(self.folder / self.pattern)))

    def rows(self) -> list[dict[str, object]]:
        return bronze(self.lake, TABLE)

    def column(self, name: str) -> list[object]:
        return [row[name] for row in self.rows()]

    def quarantined(self) -> list[tuple[str, str, object]]:
        """Reason, position and bytes of each rejected record."""
        rows = bronze(self.lake, "quarantine")
        return [(str(row["reason"]), str(row["position"]), row["value"]) for row in rows]

    def snapshots(self) -> int:
        return len(open_catalog(self.lake).load_table(f"bronze.{TABLE}").snapshots())

    def process(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ingest", "files", "--glob", str(self.folder / self.pattern)]
        variables = environment(self.lake, PATH=os.environ.get("PATH", ""))
        return subprocess.Popen([*command, "--table", TABLE, *arguments], env=variables, stderr=subprocess.PIPE)


def a_shop(lake: LakeSettings, folder: Path) -> Shop:
    """A shop whose folder is still empty."""
    folder.mkdir()
    return Shop(lake, folder)


class CrashError(BaseException):
    """The process is killed here."""


def crashing_at(point: str, times_before: int) -> Callable[[str], None]:
    """A fault that kills at a point of the commit, after so many files have passed it."""
    passed = 0

    def fault(at: str) -> None:
        nonlocal passed
        passed += at == point
        if passed > times_before:
            raise CrashError

    return fault
