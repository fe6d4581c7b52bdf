"""Avro files of Iceberg, record by record, in the file's own schema: what is not changed is written as it was read."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyiceberg.avro.codecs import AVRO_CODEC_KEY, KNOWN_CODECS
from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.avro.file import MAGIC, META_SCHEMA, SYNC_SIZE, AvroFile, AvroFileHeader
from pyiceberg.avro.resolver import construct_writer
from pyiceberg.io import FileIO
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import StructType


@dataclass(frozen=True)
class AvroContent:
    """The records of a file, with its schema and its header."""

    schema: Schema
    header: Mapping[str, str]
    records: list[Record]


def read(io_: FileIO, path: str) -> AvroContent:
    """All of a file; manifests and their lists are small."""
    with AvroFile[Record](io_.new_input(path)) as file:
        return AvroContent(file.schema, dict(file.header.meta), list(file))


def write(io_: FileIO, path: str, content: AvroContent) -> int:
    """Write a file in one block, under the very header that the content was read with; its length in bytes."""
    encoded = io.BytesIO()
    writer, encoder = construct_writer(content.schema), BinaryEncoder(encoded)
    for record in content.records:
        writer.write(encoder, record)
    block = encoded.getvalue()
    codec = KNOWN_CODECS[content.header.get(AVRO_CODEC_KEY, "null")]  # type: ignore[index]
    sync, whole = os.urandom(SYNC_SIZE), io.BytesIO()
    out = BinaryEncoder(whole)
    construct_writer(META_SCHEMA).write(out, AvroFileHeader(MAGIC, dict(content.header), sync))
    out.write_int(len(content.records))
    out.write_bytes(block if codec is None else codec.compress(block)[0])
    out.write(sync)
    with io_.new_output(path).create() as stream:
        stream.write(whole.getvalue())
    return len(whole.getvalue())


class Fields:
    """Where the fields of a struct are in its records, by their ids, which no version of Iceberg changes."""

    def __init__(self, struct: Schema | StructType) -> None:
        self._places = {field.field_id: place for place, field in enumerate(struct.fields)}

    def get(self, record: Record, field_id: int) -> Any:
        """The value of a field; None when the file does not have it."""
        place = self._places.get(field_id)
        return None if place is None else record[place]

    def set(self, record: Record, field_id: int, value: Any) -> None:
        """Change the value of a field that the file has."""
        if field_id in self._places:
            record[self._places[field_id]] = value


def struct_of(schema: Schema, field_id: int) -> StructType:
    """The struct that a field of the schema is."""
    kind = schema.find_type(field_id)
    if not isinstance(kind, StructType):
        raise TypeError(f"field {field_id} of the manifest is {kind}, not a struct")
    return kind
