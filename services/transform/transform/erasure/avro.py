"""Avro files of Iceberg, record by record, in the file's own schema: what is not changed is written as it was read."""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pyiceberg.avro.codecs import AVRO_CODEC_KEY, KNOWN_CODECS
from pyiceberg.avro.decoder import new_decoder
from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.avro.file import MAGIC, META_SCHEMA, SYNC_SIZE, AvroFileHeader
from pyiceberg.avro.reader import Reader
from pyiceberg.avro.resolver import construct_reader, construct_writer, resolve_reader
from pyiceberg.avro.writer import Writer
from pyiceberg.io import FileIO
from pyiceberg.schema import Schema
from pyiceberg.typedef import Record
from pyiceberg.types import StructType
from pyiceberg.utils.schema_conversion import AvroSchemaConversion

_SCHEMA = "avro.schema"


@dataclass(frozen=True)
class AvroContent:
    """The records of a file, with its schema and its header."""

    schema: Schema
    header: Mapping[str, str]
    records: list[Record]


@dataclass(frozen=True)
class _Codec:
    """What reads and writes records of a schema. To make it takes longer than to read a manifest."""

    schema: Schema
    reader: Reader
    writer: Writer


@lru_cache(256)
def _codec(schema_text: str) -> _Codec:
    schema = AvroSchemaConversion().avro_to_iceberg(json.loads(schema_text))
    return _Codec(schema, resolve_reader(schema, schema), construct_writer(schema))


_HEADER = construct_reader(META_SCHEMA, {-1: AvroFileHeader})


def read(io_: FileIO, path: str) -> AvroContent:
    """All of a file; manifests and their lists are small."""
    with io_.new_input(path).open() as stream:
        return decoded(stream.read())


def decoded(content: bytes) -> AvroContent:
    """The records in the bytes of a file. Raises ValueError, EOFError, KeyError for what is none."""
    decoder = new_decoder(content)
    header: AvroFileHeader = _HEADER.read(decoder)
    codec, records = _codec(header.meta[_SCHEMA]), list[Record]()
    compression = header.compression_codec()
    while True:
        try:
            count = decoder.read_int()
        except EOFError:
            return AvroContent(codec.schema, dict(header.meta), records)
        block = decoder.read_bytes()
        within = new_decoder(compression.decompress(block) if compression else block)
        records += [codec.reader.read(within) for _ in range(count)]
        if decoder.read(SYNC_SIZE) != header.sync:
            raise ValueError("a block of an Avro file does not end as the file says it does")


def write(io_: FileIO, path: str, content: AvroContent) -> int:
    """Write a file in one block, under the very header that the content was read with; its length in bytes."""
    encoded = io.BytesIO()
    writer, encoder = _codec(content.header[_SCHEMA]).writer, BinaryEncoder(encoded)
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
