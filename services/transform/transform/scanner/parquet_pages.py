"""Every byte of a Parquet file: its pages decompressed, dictionaries with them, its footer and its indexes decoded.

Values of text stand whole in a page's bytes, except in the encoding DELTA_BYTE_ARRAY, which leaves out what a value
shares with the one before; columns in it are decoded to values. A Bloom filter holds hashes and cannot be decoded.
"""

from collections.abc import Iterator, Mapping
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from transform.scanner.sieve import Sieve
from transform.scanner.thrift import CompactReader, Struct

MAGIC = b"PAR1"
_TAIL = 8  # the length of the footer in four bytes, and the magic
# Numbers of fields and of enumerations in parquet.thrift.
_ROW_GROUPS, _COLUMNS = 4, 1
_COLUMN_META, _OFFSET_INDEX, _OFFSET_INDEX_BYTES, _COLUMN_INDEX, _COLUMN_INDEX_BYTES = 3, 4, 5, 6, 7
_ENCODINGS, _PATH, _CODEC, _CHUNK_BYTES, _DATA_OFFSET, _DICTIONARY_OFFSET, _STATISTICS = 2, 3, 4, 7, 9, 11, 12
_BLOOM_OFFSET = 14
_PAGE_TYPE, _PAGE_RAW_BYTES, _PAGE_BYTES, _PAGE_V1, _PAGE_V2 = 1, 2, 3, 5, 8
_V1_STATISTICS, _V2_DEFINITIONS, _V2_REPETITIONS, _V2_COMPRESSED, _V2_STATISTICS = 5, 5, 6, 7, 8
_DICTIONARY_PAGE = 2
_DELTA_BYTE_ARRAY = 7
_CODECS: Mapping[int, str | None] = {0: None, 1: "snappy", 2: "gzip", 4: "brotli", 5: "lz4", 6: "zstd", 7: "lz4_raw"}
_HEADER_BYTES = 1 << 16  # of a page header that has statistics with long values
_ROWS = 16_384  # decoded at once


class ParquetScan:
    """One file under a scan; raises ValueError for what is not Parquet, pyarrow.ArrowInvalid for damaged pages."""

    def __init__(self, stream: IO[bytes], size: int, name: str, sieve: Sieve) -> None:
        self._stream, self._size, self._name = stream, size, name
        self._sieve = sieve

    def run(self) -> None:
        """Look everywhere."""
        tail = self._read(self._size - _TAIL, _TAIL)
        if tail[4:] != MAGIC:
            raise ValueError("the file does not end as Parquet does")
        length = int.from_bytes(tail[:4], "little")
        footer = CompactReader(self._read(self._size - _TAIL - length, length)).struct()
        self._bounds(footer, "footer")
        delta: set[str] = set()
        for group in footer.get(_ROW_GROUPS, ()):
            for chunk in group[_COLUMNS]:
                delta |= self._chunk(chunk)
        if delta:
            self._values(sorted(delta))

    def _chunk(self, chunk: Struct) -> set[str]:
        meta = chunk[_COLUMN_META]
        column = ".".join(step.decode(errors="replace") for step in meta[_PATH])
        for offset, length in ((_COLUMN_INDEX, _COLUMN_INDEX_BYTES), (_OFFSET_INDEX, _OFFSET_INDEX_BYTES)):
            if offset in chunk:
                index = CompactReader(self._read(chunk[offset], chunk[length])).struct()
                self._bounds(index, f"page index of {column}")
        if _BLOOM_OFFSET in meta:
            self._sieve.findings.notes["bloom filters, which hold hashes alone"] += 1
        for where, body in self._pages(meta, column):
            self._sieve.findings.pages += 1
            self._sieve.add(self._name, f"{where} of {column}", body)
        return {column} if _DELTA_BYTE_ARRAY in meta[_ENCODINGS] else set()

    def _pages(self, meta: Struct, column: str) -> Iterator[tuple[str, bytes]]:
        place = min(filter(None, (meta.get(_DICTIONARY_OFFSET), meta[_DATA_OFFSET])))
        end = place + meta[_CHUNK_BYTES]
        while place < end:
            reader = CompactReader(self._read(place, min(_HEADER_BYTES, end - place)))
            header = reader.struct()
            self._bounds_of_page(header, column)
            body = self._read(place + reader.place, header[_PAGE_BYTES])
            place += reader.place + header[_PAGE_BYTES]
            kind = "dictionary page" if header[_PAGE_TYPE] == _DICTIONARY_PAGE else "data page"
            yield kind, _decompressed(header, body, _CODECS.get(meta[_CODEC], ""))

    def _bounds_of_page(self, header: Struct, column: str) -> None:
        for page, statistics in ((_PAGE_V1, _V1_STATISTICS), (_PAGE_V2, _V2_STATISTICS)):
            if statistics in header.get(page, {}):
                self._bounds(header[page][statistics], f"page statistics of {column}")

    def _bounds(self, value: Any, where: str) -> None:
        """All bytes anywhere in a struct; statistics may be values cut off."""
        if isinstance(value, bytes):
            self._sieve.add_bound(self._name, where, value)
        elif isinstance(value, dict):
            column = value.get(_PATH) if _STATISTICS in value and isinstance(value.get(_PATH), list) else None
            inner = f"statistics of {b'.'.join(column).decode(errors='replace')}" if column else where
            for number, each in value.items():
                self._bounds(each, inner if number == _STATISTICS else where)
        elif isinstance(value, list):
            for each in value:
                self._bounds(each, where)

    def _values(self, columns: list[str]) -> None:
        self._stream.seek(0)
        file = pq.ParquetFile(self._stream)
        for batch in file.iter_batches(_ROWS, columns=columns):
            for column, array in zip(batch.schema.names, batch.columns, strict=True):
                for text in leaves(array):
                    for values in filter(None, text.buffers()[2:]):
                        self._sieve.add(self._name, f"values of {column}", values.to_pybytes())

    def _read(self, place: int, length: int) -> bytes:
        self._stream.seek(place)
        return self._stream.read(length)


def _decompressed(header: Struct, body: bytes, codec: str | None) -> bytes:
    levels = 0
    if _PAGE_V2 in header:
        second = header[_PAGE_V2]
        levels = second[_V2_DEFINITIONS] + second[_V2_REPETITIONS]
        codec = codec if second.get(_V2_COMPRESSED, True) else None
    if codec is None or len(body) == levels:
        return body
    return body[:levels] + _decoded(codec, body[levels:], header[_PAGE_RAW_BYTES] - levels)


def _decoded(codec: str, body: bytes, length: int) -> bytes:
    decoder = pa.Codec(codec)  # type: ignore[arg-type]
    return bytes(decoder.decompress(body, decompressed_size=length))


def leaves(array: Any) -> Iterator[Any]:
    """The arrays of text and bytes inside of an array, however nested."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from leaves(array.dictionary)
    elif pa.types.is_struct(kind):
        for place in range(kind.num_fields):
            yield from leaves(array.field(place))
    elif pa.types.is_map(kind):
        yield from leaves(array.keys)
        yield from leaves(array.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from leaves(array.values)
    elif kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        yield array
