"""Which source users are one person when only the two are looked at, and how convincing that is.

Grain: one pair (record, other), each as `source:source_user_id`, `record` < `other`.
Reads: silver.identity_records.
Rules: `identity/`; pairs that share a blocking key are weighed, and those at the threshold or above it are here.
`evidence` is the rule that holds or "resemblance"; `weight` is in hundredths of a bit. A pair's weight depends on all
records through the frequencies of its values alone, so a change concerns few others: `identity_changes.py` tells which.
Size: all records pass through one process, in a full run that of Spark's Python worker, else that of the run itself.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from transform.identity import arrow
from transform.identity_changes import RECORDS, links_changed
from transform.spec import INT, STRING, Table, required, scoped

SCHEMA = StructType(
    [required("record", STRING), required("other", STRING), required("evidence", STRING), required("weight", INT)]
)
PERSONAL: tuple[str, ...] = ()


def identity_links(records: DataFrame) -> DataFrame:
    """All convincing pairs."""
    return records.select(*arrow.RECORDS.names).repartition(1).mapInArrow(_links, SCHEMA)


def _links(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    records = list(batches)
    if records:
        links, _ = arrow.resolve(pa.Table.from_batches(records).cast(arrow.RECORDS))
        yield from links.to_batches()


TABLE = Table(
    name="silver.identity_links",
    grain=("record", "other"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=(),
    reads=(scoped(RECORDS),),
    build=identity_links,
    update=lambda read, changed: links_changed(read, changed[RECORDS]),
)
