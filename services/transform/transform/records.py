"""Kafka records: the JSON value taken apart, whatever the topic."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transform.columns import rfc3339
from transform.contract import RowCheck


def opened(records: DataFrame, *fields: str) -> DataFrame:
    """Each record with its JSON fields as text in the struct `_raw` and the whole value in `_value`."""
    schema = ", ".join(f"`{field}` string" for field in fields)
    text = records.withColumn("_value", F.col("value").cast("string"))
    return text.withColumn("_raw", F.from_json("_value", schema)).withColumn("_seen_at", F.col("_ingested_at"))


def field(name: str, kind: str = "string") -> Column:
    """A JSON field as a value of its type; null when it spells none."""
    raw = F.col(f"_raw.{name}")
    return (rfc3339(raw) if kind == "timestamp" else raw.try_cast(kind)).alias(name)


def well_typed(name: str) -> RowCheck:
    """The check that an optional field is absent or of its type."""
    return RowCheck("typed", name, f"{name} is not of its type", f"_raw.{name} is null or {name} is not null")


def deliveries(records: DataFrame) -> DataFrame:
    """How many records there are, repetitions included."""
    return records.agg(F.count(F.lit(1)))
