"""A scan of a lake: every file below the warehouse, decoded by what its first bytes say it is, and the catalog.

Each file is also searched as the bytes it is, so that what no decoder knows of is found too. Memory stays within some
tens of megabytes plus a page, whatever the size of the lake.
"""

import gzip
import json
import time
import zlib
from collections.abc import Iterator
from typing import IO, Any, cast

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.typedef import Record
from pyiceberg.types import StructType
from shopsphere_kit.logging import get_logger
from sqlalchemy import MetaData, select

from transform.erasure import avro
from transform.scanner.canaries import Canaries
from transform.scanner.finds import Findings
from transform.scanner.parquet_pages import ParquetScan
from transform.scanner.sieve import Sieve
from transform.warehouse import StoredFile, Warehouse

PART_BYTES = 8 * 2**20
PROGRESS_SECONDS = 5.0
_KINDS = ((b"PAR1", "parquet"), (b"Obj\x01", "avro"), (b"\x1f\x8b", "gzip"), (b"PFA1", "puffin"), (b"{", "json"))
_DAMAGED = (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error, pa.ArrowException)
CATALOG = "catalog:"

log = get_logger(__name__)


class Scan:
    """One scan; `run` may take long and tells in the log how far it is."""

    def __init__(self, catalog: Catalog, warehouse: Warehouse, canaries: Canaries) -> None:
        self._catalog, self._warehouse, self._canaries = catalog, warehouse, canaries
        self.findings = Findings(len(canaries))
        self._sieve = Sieve(canaries, self.findings)

    def run(self) -> Findings:
        """Look everywhere."""
        told = time.monotonic()
        for file in self._warehouse.files():
            self.file(file)
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                log.info("scanning", files=self.findings.files.total(), bytes=self.findings.bytes, file=file.name)
        self._catalog_rows()
        self._sieve.flush()
        return self.findings

    def file(self, file: StoredFile) -> None:
        """Look into one file; one that is gone by now is nobody's."""
        try:
            with self._warehouse.storage.open_input_file(file.path) as stream:
                self._opened(file, cast("IO[bytes]", stream))
        except FileNotFoundError:
            self.findings.notes["files that went away during the scan"] += 1

    def found(self, file: StoredFile) -> bool:
        """Whether this one file holds a canary."""
        self.file(file)
        self._sieve.flush()
        return any(hit.file == file.name for hit in self.findings.hits)

    def _opened(self, file: StoredFile, stream: IO[bytes]) -> None:
        kind = _kind(stream.read(8))
        self.findings.files[kind] += 1
        self.findings.bytes += file.size
        self.findings.seen.append((file.name, file.size))
        self._sieve.add(file.name, "name", file.name.encode())
        self._raw(file.name, "bytes", stream)
        try:
            self._decode(kind, file, stream)
        except _DAMAGED as error:
            self.findings.notes[f"{kind} that could not be decoded ({type(error).__name__})"] += 1
            log.warning("file is searched as bytes alone", file=file.name, kind=kind, error=type(error).__name__)

    def _decode(self, kind: str, file: StoredFile, stream: IO[bytes]) -> None:
        if kind == "parquet":
            ParquetScan(stream, file.size, file.name, self._sieve).run()
        elif kind == "avro":
            stream.seek(0)
            self._avro(file.name, stream.read())
        elif kind == "gzip":
            stream.seek(0)
            with gzip.open(stream) as unpacked:
                self._raw(file.name, "unpacked bytes", cast("IO[bytes]", unpacked), rewind=False)
        elif kind == "json" and file.size <= PART_BYTES:
            stream.seek(0)
            self._json(file.name, stream.read())

    def _raw(self, name: str, where: str, stream: IO[bytes], *, rewind: bool = True) -> None:
        if rewind:
            stream.seek(0)
        overlap, rest = self._canaries.longest, b""
        while part := stream.read(PART_BYTES):
            self._sieve.add(name, where, rest + part)
            rest = (rest + part)[-overlap:] if overlap else b""

    def _json(self, name: str, content: bytes) -> None:
        for text in _texts(json.loads(content)):
            self._sieve.add(name, "JSON", text.encode(errors="surrogatepass"))

    def _avro(self, name: str, content: bytes) -> None:
        file = avro.decoded(content)
        for record in file.records:
            self._record(name, file.schema.as_struct(), record)

    def _record(self, name: str, struct: StructType, record: Record) -> None:
        for place, field in enumerate(struct.fields):
            self._avro_value(name, field.name, field.field_type, record[place])

    def _avro_value(self, name: str, where: str, kind: Any, value: Any) -> None:
        if isinstance(value, Record):
            self._record(name, kind, value)
        elif isinstance(value, dict):
            for key, each in value.items():
                self._avro_value(name, f"{where}[{key}]", kind.value_type, each)
        elif isinstance(value, list | tuple):
            for each in value:
                self._avro_value(name, where, kind.element_type, each)
        elif isinstance(value, bytes):
            self._sieve.add_bound(name, where, value)
        elif isinstance(value, str):
            self._sieve.add(name, where, value.encode(errors="surrogatepass"))

    def _catalog_rows(self) -> None:
        if not isinstance(self._catalog, SqlCatalog):
            self.findings.notes["the catalog is a REST service and keeps its tables to itself"] += 1
            return
        engine = self._catalog.engine
        known = MetaData()
        known.reflect(engine)
        with engine.begin() as connection:
            for table in known.sorted_tables:
                for row in connection.execute(select(table)):
                    text = "\n".join(str(value) for value in row)
                    self._sieve.add(f"{CATALOG}{table.name}", "row", text.encode(errors="surrogatepass"))
        database = engine.url.database
        if engine.dialect.name == "sqlite" and database:
            self._database_files(database)

    def _database_files(self, database: str) -> None:
        for suffix in ("", "-wal", "-journal"):
            try:
                with open(database + suffix, "rb") as stream:  # noqa: PTH123 - a path and a suffix
                    self._raw(f"{CATALOG}file{suffix}", "bytes", stream)
                self.findings.files["catalog"] += 1
            except FileNotFoundError:
                continue


def _kind(start: bytes) -> str:
    return next((kind for magic, kind in _KINDS if start.startswith(magic)), "other")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
