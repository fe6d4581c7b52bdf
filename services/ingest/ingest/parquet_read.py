"""Rows of an Iceberg table's data files in small batches, so that no file is in memory as a whole.

PyIceberg's scan reads whole files, several at once. Bronze is copy-on-write, so a data file's rows are all alive.
"""

from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

# A record of quarantine may be as large as a MongoDB document (16 MiB), so few are taken at a time.
BATCH_ROWS = 256


def data_files(table: Table, row_filter: BooleanExpression | None = None) -> list[DataFile]:
    """The live files that may hold rows of the filter, by the statistics in the manifests."""
    return [task.file for task in table.scan(row_filter=row_filter or AlwaysTrue()).plan_files()]


def batches(table: Table, file: DataFile, columns: Sequence[str], rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """The file's rows in these columns, null where the file is older than the column."""
    with table.io.new_input(file.file_path).open() as stream:
        parquet = pq.ParquetFile(cast("IO[Any]", stream))
        names = parquet.schema_arrow.names
        there = [name for name in columns if name in names]
        for batch in parquet.iter_batches(rows, columns=there):
            found = pa.Table.from_batches([batch])
            for name in columns:
                if name not in there:
                    found = found.append_column(name, pa.nulls(found.num_rows, pa.string()))
            yield found.select(list(columns))
