"""What is known of each source user, in the one spelling in which it is compared, and whom it may be compared with.

Grain: one source user (source, source_user_id).
Reads: the clean changes of the shop's users and the marketplace's buyers, in all their versions.
Rules: `identity/spelling.py` for the values, each once and sorted, those of deleted users too; `identity/blocking.py`
for `keys`, the hashes of what two records must share to be compared. A user is known since its first sighting, or
since the source says that it exists. A row follows from its user's changes alone.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType

from transform.identity.arrow import records_table
from transform.identity.records import record
from transform.identity.spelling import ATTRIBUTES
from transform.spec import LONG, STRING, TIMESTAMP, Table, required, scoped

SCHEMA = StructType(
    [
        required("source", STRING),
        required("source_user_id", STRING),
        required("seen_at", TIMESTAMP),
        *(required(attribute, ArrayType(STRING, containsNull=False)) for attribute in ATTRIBUTES),
        required("keys", ArrayType(LONG, containsNull=False)),
    ]
)
# A hash of an address finds whoever knows the address.
PERSONAL = (*ATTRIBUTES, "keys")


def identity_records(judged: DataFrame) -> DataFrame:
    """One row per source user that was ever seen, deleted ones included."""
    seen_at = F.min(F.least("first_seen_at", "event_at")).alias("seen_at")
    written = [F.collect_set(F.col(attribute).cast("string")).alias(attribute) for attribute in ATTRIBUTES]
    clean = judged.where(F.col("_failed").isNull())
    users = clean.groupBy("source", "source_user_id").agg(seen_at, *written)
    return users.mapInArrow(_spelled, SCHEMA)


def _spelled(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = batch.to_pylist()
        yield from records_table(
            record(
                f"{row['source']}:{row['source_user_id']}",
                row["seen_at"],
                {attribute: row[attribute] for attribute in ATTRIBUTES},
            )
            for row in rows
        ).to_batches()


TABLE = Table(
    name="silver.identity_records",
    grain=("source", "source_user_id"),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("source", "source_user_id"),
    reads=(scoped("judged.person_changes", "source", "_user"),),
    build=identity_records,
)
