"""UCI Online Retail for tests: its files where they lie beside the repository, their account by Python's csv, loads."""

import csv
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from file_builders import no_fault
from ingest.iceberg_tables import IcebergTables
from ingest.load_files import Choice, FileLoad, Outcome, Request
from ingest.loaded_files import IcebergFileLedger
from ingest.sink import Fault, IcebergSink
from ingest.sources.files import FoundFile
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings

FOLDER = Path(__file__).resolve().parents[2] / "shared/data/online_retail"
TABLE = "bronze_files__online_retail"
needs_files = pytest.mark.skipif(not FOLDER.is_dir(), reason="the online retail files are not beside the repository")
LONDON = ZoneInfo("Europe/London")
PENNY = Decimal("0.01")
Row = dict[str, str]


def days(default: int) -> list[Path]:
    """The first days' files: as many as the variable ONLINE_RETAIL_DAYS says (200 are all), else the default."""
    return sorted(FOLDER.glob("*.csv"))[: int(os.environ.get("ONLINE_RETAIL_DAYS", default))]


def read(files: Iterable[Path]) -> list[Row]:
    """The rows of the files, as Python's csv reads them."""
    rows = []
    for path in files:
        with path.open(newline="", encoding="utf-8") as stream:
            rows += list(csv.DictReader(stream))
    return rows


@dataclass(frozen=True)
class Sold:
    """What a row says; the description is no part of it."""

    order_id: str
    ordered_at: datetime
    sku: str
    quantity: int
    unit_price: Decimal
    source_user_id: str | None
    country: str

    @property
    def amount(self) -> Decimal:
        """Pounds, half a penny up."""
        return (self.quantity * self.unit_price).quantize(PENNY, ROUND_HALF_UP)

    @property
    def status(self) -> str:
        """Credit notes are returns; bad debts and negative units elsewhere are adjustments."""
        if self.order_id.startswith("OR-C"):
            return "returned"
        return "adjusted" if self.order_id.startswith("OR-A") or self.quantity < 0 else "completed"


def sold(row: Row) -> Sold:
    """A row of the files, understood."""
    return Sold(
        order_id="OR-" + row["InvoiceNo"],
        ordered_at=datetime.fromisoformat(row["InvoiceDate"]).replace(tzinfo=LONDON),
        sku=row["StockCode"].strip().upper(),
        quantity=int(row["Quantity"]),
        unit_price=Decimal(row["UnitPrice"]),
        source_user_id=row["CustomerID"].removesuffix(".0") or None,
        country=row["Country"],
    )


def account(rows: list[Row]) -> dict[str, object]:
    """Every count of the files that the tables have to explain."""
    raw, lines = Counter(tuple(row.values()) for row in rows), {sold(row) for row in rows}
    of_status = Counter(line.status for line in lines)
    return {
        "rows": len(rows),
        "exact duplicates": len(rows) - len(raw),
        "near duplicates": len(raw) - len(lines),
        "lines": len(lines),
        **{status: of_status[status] for status in ("completed", "returned", "adjusted")},
        "without customer": sum(line.source_user_id is None for line in lines),
        "at no price": sum(line.unit_price == 0 for line in lines),
        "orders": len({line.order_id for line in lines}),
        "units": sum(line.quantity for line in lines),
        "pounds": sum((line.amount for line in lines), Decimal(0)),
    }


def load(lake: LakeSettings, files: Iterable[Path], *, prefix: str = "", fault: Fault = no_fault) -> Outcome:
    """Load files into bronze through ingest; with a prefix under another name, which brings their rows in again."""
    catalog = open_catalog(lake)
    found = [FoundFile(prefix + path.name, path, path.stat().st_size) for path in files]
    sink = IcebergSink(IcebergTables(catalog), SystemClock(), fault)
    request = Request(TABLE, renamed=Choice.LOAD if prefix else Choice.REFUSE)
    return FileLoad(sink, IcebergFileLedger(catalog), request, lambda _: None).run(found)
