"""Rows of bronze as they may be read: without people who were erased, should any have come back all the same.

Ingest lets nothing of them in. A backup of bronze that is put back does, and so would an ingest without the key.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from shopsphere_kit import forgetting
from shopsphere_kit.suppression import Suppressions


def without_forgotten(name: str, rows: DataFrame, suppressed: Suppressions) -> DataFrame:
    """The rows of a bronze table; the very frame when nobody was erased, or the table holds nobody."""
    short = name.rpartition(".")[2]
    if not suppressed or (short not in forgetting.RULES and forgetting.REJECTED not in rows.columns):
        return rows

    def mask(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from forgetting.masked(short, pa.Table.from_batches([batch]), suppressed).to_batches()

    return rows.mapInArrow(mask, rows.schema)
