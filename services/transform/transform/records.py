"""Kafka records: the JSON value taken apart, repetitions of an event removed, whatever the topic."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transform.changes import first_delivery
from transform.columns import rfc3339
from transform.contract import RowCheck


def opened(records: DataFrame, *fields: str) -> DataFrame:
    """Each event once, with its JSON fields as text in the struct `_raw` and the whole value in `_value`."""
    schema = ", ".join(f"`{field}` string" for field in fields)
    text = records.withColumn("_value", F.col("value").cast("string"))
    read = text.withColumn("_raw", F.from_json("_value", schema)).withColumn("_seen_at", F.col("_ingested_at"))
    # A record without an event id is nobody's repetition; it is kept under its position and rejected later.
    key = F.coalesce(F.col("_raw.event_id"), F.col("_position"))
    return first_delivery(read.withColumn("_event", key), "_event")


def field(name: str, kind: str = "string") -> Column:
    """A JSON field as a value of its type; null when it spells none."""
    raw = F.col(f"_raw.{name}")
    return (rfc3339(raw) if kind == "timestamp" else raw.try_cast(kind)).alias(name)


def well_typed(name: str) -> RowCheck:
    """The check that an optional field is absent or of its type."""
    return RowCheck("typed", name, f"{name} is not of its type", f"_raw.{name} is null or {name} is not null")


def distinct_events(records: DataFrame) -> DataFrame:
    """How many events the records are, repetitions counted once."""
    event_id = F.get_json_object(F.col("value").cast("string"), "$.event_id")
    return records.agg(F.count_distinct(F.coalesce(event_id, F.col("_position"))))
