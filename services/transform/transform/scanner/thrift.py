"""Thrift's compact protocol, read without a schema: what Parquet's footers, page headers and indexes are written in.

Structs become dictionaries by field number, binaries stay bytes. See Apache Thrift, "Compact protocol encoding".
"""

from typing import Any

Struct = dict[int, Any]
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DEPTH_MAX = 64


class CompactReader:
    """Reads one struct after the other from bytes; raises ValueError for what is no such struct."""

    def __init__(self, content: bytes | memoryview, place: int = 0) -> None:
        self._content = content
        self.place = place

    def struct(self, depth: int = 0) -> Struct:
        """The struct that starts here."""
        if depth > _DEPTH_MAX:
            raise ValueError("nested too deeply for a Parquet struct")
        found: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 0x0F
            found[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case 1 | 2 | 3:  # a truth value inside of a list is a byte
                return self._byte()
            case 4 | 5 | 6:
                return self._signed()
            case 7:
                return self._take(8)
            case 8:
                return self._take(self._unsigned())
            case 9 | 10:
                return self._list(depth)
            case 11:
                return self._map(depth)
            case 12:
                return self.struct(depth + 1)
        raise ValueError(f"no type {kind} in the compact protocol")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = self._unsigned() if head >> 4 == 0x0F else head >> 4
        return [self._value(head & 0x0F, depth) for _ in range(count)]

    def _map(self, depth: int) -> list[Any]:
        count = self._unsigned()
        kinds = self._byte() if count else 0
        return [self._value(kind, depth) for _ in range(count) for kind in (kinds >> 4, kinds & 0x0F)]

    def _take(self, length: int) -> bytes:
        taken = bytes(self._content[self.place : self.place + length])
        if len(taken) < length:
            raise ValueError("the struct is cut off")
        self.place += length
        return taken

    def _byte(self) -> int:
        if self.place >= len(self._content):
            raise ValueError("the struct is cut off")
        self.place += 1
        return self._content[self.place - 1]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
