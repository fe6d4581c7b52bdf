"""One data file written anew without the person: same rows in the same order, same row groups, same field ids."""

import posixpath
import uuid
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import reduce
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute
from pyiceberg.io import FileIO

from transform.erasure.rules import Rule

pc: Any = compute  # its stubs refuse much that its kernels take

_FIELD_ID = b"PARQUET:field_id"


@dataclass(frozen=True)
class NewFile:
    """What a manifest has to know of the file that takes another's place."""

    path: str
    size: int
    split_offsets: list[int]
    rows: int
    """How many of its rows were the person's."""


def looked_into(io: FileIO, path: str, rule: Rule, names: Mapping[int, str]) -> list[int]:
    """The row groups that may hold rows of the person, found by the columns that tell."""
    with _opened(io, path) as stream:
        file = pq.ParquetFile(stream)
        wanted = [column for column, name in _columns(file, names).items() if name in rule.reads]
        groups = range(file.num_row_groups) if wanted else range(0)
        return [number for number in groups if _any(rule, _rows(file, number, names, wanted))]


def _any(rule: Rule, rows: pa.Table) -> bool:
    return bool(rows.num_rows and pc.any(rule.theirs(rows)).as_py())


def values_in(io: FileIO, path: str, groups: list[int], rule: Rule, names: Mapping[int, str]) -> set[tuple[str, str]]:
    """What names the person in these row groups."""
    with _opened(io, path) as stream:
        file = pq.ParquetFile(stream)
        return {value for number in groups for value in rule.values(_rows(file, number, names))}


def columns_of(io: FileIO, path: str, names: Mapping[int, str], wanted: AbstractSet[str]) -> Iterator[pa.Table]:
    """Some columns of a file, row group by row group."""
    with _opened(io, path) as stream:
        file = pq.ParquetFile(stream)
        columns = [column for column, name in _columns(file, names).items() if name in wanted]
        for number in range(file.num_row_groups):
            yield _rows(file, number, names, columns)


def rewritten(io: FileIO, path: str, rule: Rule, names: Mapping[int, str]) -> NewFile | None:
    """The file anew beside the old one; None, and nothing is written, when nothing of it changes."""
    with _opened(io, path) as stream:
        file = pq.ParquetFile(stream)
        changed = _first_change(file, rule, names)
        return None if changed is None else _write(io, path, file, rule, names)


def changes(io: FileIO, path: str, rule: Rule, names: Mapping[int, str]) -> bool:
    """Whether anything in a file is the person's."""
    with _opened(io, path) as stream:
        return _first_change(pq.ParquetFile(stream), rule, names) is not None


def _first_change(file: pq.ParquetFile, rule: Rule, names: Mapping[int, str]) -> int | None:
    return next((number for number in range(file.num_row_groups) if _changes(file, number, rule, names)), None)


def _changes(file: pq.ParquetFile, number: int, rule: Rule, names: Mapping[int, str]) -> bool:
    rows = _rows(file, number, names)
    return rule.change(rows) is not rows


def _write(io: FileIO, path: str, file: pq.ParquetFile, rule: Rule, names: Mapping[int, str]) -> NewFile:
    target = posixpath.join(posixpath.dirname(path), f"{uuid.uuid4()}.parquet")
    written: list[pq.FileMetaData] = []
    theirs, output, schema = 0, io.new_output(target), file.schema_arrow
    with (
        output.create() as stream,
        pq.ParquetWriter(
            cast("IO[Any]", stream),
            schema,
            compression=_codec(file),  # type: ignore[arg-type]
            write_statistics=_counted(file, rule, names),
            store_decimal_as_integer=True,
            metadata_collector=written,
        ) as writer,
    ):
        for number in range(file.num_row_groups):
            rows = _rows(file, number, names)
            changed = rule.change(rows)
            theirs += _differing(rows, changed)
            after = changed.rename_columns(schema.names).cast(schema)
            writer.write_table(after, row_group_size=max(1, after.num_rows))
    groups = [written[0].row_group(number).column(0) for number in range(written[0].num_row_groups)]
    offsets = [column.dictionary_page_offset or column.data_page_offset for column in groups]
    return NewFile(target, len(output.to_input_file()), offsets, theirs)


def _differing(before: pa.Table, after: pa.Table) -> int:
    """How many rows are not as they were."""
    differ = [
        _differ(_comparable(before[name].combine_chunks()), _comparable(after[name].combine_chunks()))
        for name in before.column_names
        if not pa.types.is_struct(before[name].type)
    ]
    return int(pc.sum(reduce(pc.or_, differ)).as_py() or 0) if differ else 0


def _comparable(values: Any) -> Any:
    """Of lists the lengths: one that changes is emptied."""
    return pc.list_value_length(values) if pa.types.is_nested(values.type) else values


def _differ(old: Any, new: Any) -> Any:
    return pc.or_(pc.xor(old.is_valid(), new.is_valid()), pc.fill_null(pc.not_equal(old, new), False))


def _codec(file: pq.ParquetFile) -> str:
    codec = file.metadata.row_group(0).column(0).compression.lower()
    return "none" if codec == "uncompressed" else codec


def _counted(file: pq.ParquetFile, rule: Rule, names: Mapping[int, str]) -> list[str]:
    """The columns that had statistics and cannot hold anything personal."""
    known = _columns(file, names)
    group = file.metadata.row_group(0)
    columns = (group.column(place) for place in range(group.num_columns))
    return [
        column.path_in_schema
        for column in columns
        if column.is_stats_set and known.get(column.path_in_schema.split(".")[0]) not in rule.alters
    ]


def _rows(file: pq.ParquetFile, number: int, names: Mapping[int, str], columns: list[str] | None = None) -> pa.Table:
    """A row group under the names that the table gives its columns now."""
    rows = file.read_row_group(number, columns=columns)
    known = _columns(file, names)
    return rows.rename_columns([known[name] for name in rows.column_names])


def _columns(file: pq.ParquetFile, names: Mapping[int, str]) -> dict[str, str]:
    """The name of each column in the table, by its name in the file: a column is known by its id."""
    return {field.name: _name(field, names) for field in file.schema_arrow}


def _name(field: "pa.Field[Any]", names: Mapping[int, str]) -> str:
    number = (field.metadata or {}).get(_FIELD_ID)
    return field.name if number is None else names.get(int(number), field.name)


class _opened:  # noqa: N801 - used as a function
    """A file of the table's storage, closed at the end of the block."""

    def __init__(self, io: FileIO, path: str) -> None:
        self._stream = io.new_input(path).open()

    def __enter__(self) -> IO[bytes]:
        return cast("IO[bytes]", self._stream)

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def current_names(metadata: Mapping[str, Any]) -> dict[int, str]:
    """The names of a table's top-level columns by their ids, those of columns it no longer has too."""
    schemas = sorted(_schemas(metadata), key=lambda schema: schema.get("schema-id", 0) == metadata["current-schema-id"])
    return {field["id"]: field["name"] for schema in schemas for field in schema["fields"]}


def _schemas(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from metadata["schemas"]
