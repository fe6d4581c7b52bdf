"""The bronze tables: their names, the columns ingest adds, and the properties they are created with."""

import re
from typing import Any

import pyarrow as pa
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.lake import BRONZE, personal_columns_properties

TIMESTAMP = pa.timestamp("us", tz="UTC")
QUARANTINE = "quarantine"

# What a row's place in its source looks like; the sink adds `_ingested_at` when it writes.
_POSITION_FIELDS: list["pa.Field[Any]"] = [pa.field("_position", pa.string()), pa.field("_committed_at", TIMESTAMP)]
CHANGE_FIELDS: list["pa.Field[Any]"] = [pa.field("_op", pa.string()), *_POSITION_FIELDS]
# Names of columns whose values the server did not send with an update, as JSON; null when there are none.
UNCHANGED = pa.field("_unchanged", pa.string())
ROW_FIELDS: list["pa.Field[Any]"] = [*CHANGE_FIELDS, UNCHANGED]
CONTROL_COLUMNS = frozenset(column.name for column in ROW_FIELDS)
INGESTED_AT = pa.field("_ingested_at", TIMESTAMP)
REJECTED = pa.field("_rejected", pa.string())

_MONGO_FIELDS: list["pa.Field[Any]"] = [pa.field("_id", pa.string()), pa.field("document", pa.string()), *CHANGE_FIELDS]
MONGO_SCHEMA = pa.schema(_MONGO_FIELDS)
_KAFKA_FIELDS: list["pa.Field[Any]"] = [
    pa.field("topic", pa.string()),
    pa.field("partition", pa.int32()),
    pa.field("offset", pa.int64()),
    pa.field("key", pa.binary()),
    pa.field("value", pa.binary()),
    pa.field("headers", pa.string()),
    *_POSITION_FIELDS,
    # Why the record is in quarantine as well; null for a good one. Readers take the rows without a reason.
    REJECTED,
]
KAFKA_SCHEMA = pa.schema(_KAFKA_FIELDS)
FILE_FIELDS: list["pa.Field[Any]"] = [
    pa.field("_source_file", pa.string()),
    pa.field("_file_hash", pa.string()),
    *_POSITION_FIELDS,
]
# Names that Iceberg keeps for itself: it refuses to rewrite a table with such a column (MetadataColumns.java of 1.10).
METADATA_COLUMNS = frozenset(
    ("_file", "_pos", "_deleted", "_spec_id", "_partition", "_row_id", "_last_updated_sequence_number")
)
_QUARANTINE_FIELDS: list["pa.Field[Any]"] = [
    pa.field("source", pa.string()),
    pa.field("position", pa.string()),
    pa.field("reason", pa.string()),
    pa.field("detail", pa.string()),
    pa.field("value", pa.binary()),
    pa.field("key", pa.binary()),
    pa.field("headers", pa.string()),
    pa.field("seen_at", TIMESTAMP),
    INGESTED_AT,
]
QUARANTINE_SCHEMA = pa.schema(_QUARANTINE_FIELDS)

# Statistics would copy values into manifests and footers, so only columns that never hold personal data have them.
_COUNTED = (
    "_op",
    "_unchanged",
    "_position",
    "_committed_at",
    "_ingested_at",
    "_rejected",
    "topic",
    "partition",
    "offset",
    "source",
    "position",
    "_source_file",
    "_file_hash",
)
_PERSONAL = (
    *("loyalty_number", "first_name", "last_name", "email", "phone", "street", "city", "postal_code", "birth_date"),
    *("card_token", "_id", "document", "key", "value", "headers", "detail"),
)
_PROPERTIES = {
    "format-version": "2",
    "write.delete.mode": "copy-on-write",
    "write.update.mode": "copy-on-write",
    "write.merge.mode": "copy-on-write",
    "write.metadata.metrics.default": "none",
    # Each commit adds a manifest. Merged so often their list stays short, and some dozens take a tenth of a second.
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "40",
    # Every commit writes one metadata file; these two keep their number bounded.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}


def properties(schema: pa.Schema) -> dict[str, str]:
    """The properties a bronze table of this schema is created with; a column added later has no statistics."""
    names = set(schema.names)
    counted = {f"write.metadata.metrics.column.{name}": "full" for name in _COUNTED if name in names}
    return _PROPERTIES | counted | personal_columns_properties(name for name in _PERSONAL if name in names)


def partition_column(schema: pa.Schema) -> str:
    """The column whose day partitions the table."""
    return "_committed_at" if "_committed_at" in schema.names else "seen_at"


def full_name(table: str) -> str:
    """The table's name in the catalog."""
    return f"{BRONZE}.{table}"


def postgres_table(namespace: str, name: str) -> str:
    """The bronze table of a Postgres table; only schemas other than `public` are part of the name."""
    return f"bronze_postgres__{name}" if namespace == "public" else f"bronze_postgres__{namespace}__{name}"


def mongo_table(collection: str) -> str:
    """The bronze table of a MongoDB collection."""
    return f"bronze_mongo__{collection.replace('.', '_').replace('-', '_')}"


def kafka_table(topic: str) -> str:
    """The bronze table of a topic."""
    return f"bronze_kafka__{topic.replace('.', '_').replace('-', '_')}"


def file_table(name: str) -> str:
    """The name itself when it is one of a table that files are loaded into; raises InvalidArgument."""
    if not re.fullmatch(r"bronze_files__[a-z0-9]+(_[a-z0-9]+)*", name):
        raise InvalidArgument(
            f"--table {name} is not bronze_files__ and then lower-case letters, digits and single underscores",
            field="table",
        )
    return name
