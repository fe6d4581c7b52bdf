"""Rows as Parquet files of an Iceberg table that no snapshot knows yet; they belong to the table once committed.

PyIceberg's own writer sorts every row into its partition and keeps statistics of every column in the files' footers.
A batch of ingest lies in one or two days, and its columns may hold personal data, so both are done here.
"""

import uuid
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    MetricModeTypes,
    StatisticsCollector,
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey
from pyiceberg.schema import Schema, sanitize_column_names
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from ingest.errors import IncompatibleSchema

if TYPE_CHECKING:
    Array = pa.Array[Any]
    Column = pa.ChunkedArray[Any]
else:
    Array, Column = pa.Array, pa.ChunkedArray  # generic for the type checker alone

COMPRESSION: Final = "zstd"
COMPRESSION_LEVEL = 1  # Iceberg's codec; level 1 takes 0.8 of level 3's time, for 1.02 of its bytes


def write_files(table: Table, rows: pa.Table) -> list[DataFile]:
    """Write rows, whose columns are among the table's, as one file per day; raises IncompatibleSchema."""
    if rows.num_rows == 0:
        return []
    fitted = fit(rows, table.schema())
    return [_write(table, key, part) for key, part in _partitions(table, fitted)]


def fit(rows: pa.Table, schema: Schema) -> pa.Table:
    """Rows in the columns, types and field ids of the schema: widened where it is wider, null where they lack one."""
    target = schema_to_pyarrow(schema)
    known = set(rows.column_names)
    if strangers := known.difference(target.names):
        raise IncompatibleSchema(f"the table has no column {', '.join(sorted(strangers))}")
    fields = [field.with_type(_small(field.type)) for field in target]
    columns = [
        _widened(rows.column(field.name), field) if field.name in known else _nulls(rows.num_rows, field.type)
        for field in fields
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _nulls(count: int, kind: pa.DataType) -> Column:
    return pa.chunked_array([pa.nulls(count).cast(kind)])


def _small(kind: pa.DataType) -> pa.DataType:
    """Text and bytes with offsets of 32 bits, which is what rows come in; Parquet knows no difference."""
    if pa.types.is_large_string(kind):
        return pa.string()
    return pa.binary() if pa.types.is_large_binary(kind) else kind


def _widened(column: Column, field: "pa.Field[Any]") -> Column:
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type)  # safe: a value that would change raises
    except pa.ArrowInvalid as error:
        raise IncompatibleSchema(f"column {field.name}: {column.type} does not fit {field.type}: {error}") from error


def _partitions(table: Table, rows: pa.Table) -> Iterator[tuple[PartitionKey | None, pa.Table]]:
    """The rows of each partition; a table without any has the key None."""
    fields = table.spec().fields
    if len(fields) != 1:
        if fields:
            raise IncompatibleSchema(f"{'.'.join(table.name())} has {len(fields)} partition fields, ingest knows one")
        yield None, rows
        return
    source = table.schema().find_field(fields[0].source_id)
    values = fields[0].transform.pyarrow_transform(source.field_type)(rows.column(source.name).combine_chunks())
    for value in pc.unique(values).to_pylist():
        yield (
            PartitionKey([PartitionFieldValue(fields[0], value)], table.spec(), table.schema()),
            _where(rows, values, value),
        )


def _where(rows: pa.Table, values: Array, value: int | None) -> pa.Table:
    mine: Array = pc.is_null(values) if value is None else pc.equal(values, pa.scalar(value, values.type))
    whole = mine.null_count == 0 and pc.all(mine).as_py()
    return rows if whole else rows.filter(mine)


def _write(table: Table, key: PartitionKey | None, rows: pa.Table) -> DataFile:
    schema, properties = table.schema(), table.metadata.properties
    plan = compute_statistics_plan(schema, properties)
    named = rows.rename_columns(sanitize_column_names(schema).column_names)
    counted = [
        named.column_names[place] for place, field in enumerate(schema.fields) if _is_counted(plan, field.field_id)
    ]
    path = table.location_provider().new_data_location(f"{uuid.uuid4()}.parquet", key)
    output = table.io.new_output(path)
    written: list[pq.FileMetaData] = []
    with output.create() as stream:
        pq.write_table(
            named,
            cast("IO[Any]", stream),
            compression=COMPRESSION,
            compression_level=COMPRESSION_LEVEL,
            write_statistics=counted,
            use_dictionary=[field.name for field in named.schema if _repeats(field)],  # type: ignore[arg-type]
            store_decimal_as_integer=True,
            metadata_collector=written,
        )
    statistics = data_file_statistics_from_parquet_metadata(
        written[0], plan, parquet_path_to_id_mapping(sanitize_column_names(schema))
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=key.partition if key else Record(),
        file_size_in_bytes=len(output),
        sort_order_id=None,
        spec_id=table.metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def _repeats(field: "pa.Field[Any]") -> bool:
    """Whether values of a column are worth a dictionary: positions differ in every row, and so do whole records."""
    return field.name not in ("_position", "document") and not pa.types.is_binary(field.type)


def _is_counted(plan: dict[int, StatisticsCollector], field_id: int) -> bool:
    collector = plan.get(field_id)
    return collector is not None and collector.mode.type is not MetricModeTypes.NONE
