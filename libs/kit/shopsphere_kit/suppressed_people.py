"""The people who were forgotten, as the lake has them: a table of HMACs that erasure appends to and ingest reads.

It stands outside of bronze, silver and gold proper: no source fills it, no release holds it.
"""

import threading
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError

from shopsphere_kit.errors import FailedPrecondition
from shopsphere_kit.lake import SILVER
from shopsphere_kit.suppression import KEY_CHECK, Mark, Suppressions, entry

TABLE = f"{SILVER}.suppressions"
# One line of the catalog and one small file are read so often; a commit of ingest is made about as often.
READ_EVERY_SECONDS = 1.0
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("entry", pa.string()),
    pa.field("suppressed_at", pa.timestamp("us", tz="UTC")),
    pa.field("receipt_id", pa.string()),
]
SCHEMA = pa.schema(_FIELDS)


class SuppressedPeople:
    """Reads the table again when it changed, at most every so many seconds; safe to share between threads."""

    def __init__(self, catalog: Catalog, key: bytes | None, every_seconds: float = READ_EVERY_SECONDS) -> None:
        self._catalog, self._key, self._every = catalog, key, every_seconds
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._version: str | None = None
        self._known = Suppressions(key or b"")

    def now(self) -> Suppressions:
        """The entries. Raises FailedPrecondition when there are some and the key is missing or another one."""
        with self._lock:
            if self._read_at is None or time.monotonic() - self._read_at >= self._every:
                self._read()
                self._read_at = time.monotonic()
            return self._known

    def _read(self) -> None:
        try:
            table = self._catalog.load_table(TABLE)
        except NoSuchTableError:
            return
        if table.metadata_location == self._version:
            return
        entries = [str(each) for each in table.scan(selected_fields=("entry",)).to_arrow()["entry"].to_pylist()]
        known = Suppressions(self._key or b"", entries)
        if entries and (self._key is None or not known.fits):
            raise FailedPrecondition(
                f"{TABLE} has entries made with {'a key' if self._key is None else 'another key'}: without it people "
                "who were erased would come back; set SHOPSPHERE_SUPPRESSION_KEY_FILE to that key's file",
                reason="suppression_key",
                field="key_file",
            )
        self._known, self._version = known, table.metadata_location


def suppress(catalog: Catalog, key: bytes, marks: Iterable[Mark], now: datetime, receipt_id: str) -> int:
    """Add the marks that are not there yet; returns how many. Raises FailedPrecondition for another key."""
    known = SuppressedPeople(catalog, key).now()
    new = sorted(entry(key, mark) for mark in set(marks) if mark not in known)
    if not new:
        return 0
    rows = [*new, *([] if known else [entry(key, Mark(*KEY_CHECK))])]
    catalog.create_namespace_if_not_exists(TABLE.split(".", maxsplit=1)[0])
    table = catalog.create_table_if_not_exists(TABLE, schema=SCHEMA)
    stamped = [{"entry": row, "suppressed_at": now, "receipt_id": receipt_id} for row in rows]
    table.append(pa.Table.from_pylist(stamped, schema=SCHEMA))
    return len(new)
