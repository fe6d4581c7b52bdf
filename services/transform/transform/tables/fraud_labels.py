"""What became known about orders: chargebacks, days after the order.

Grain: one label (event_id); an order may be labelled again, and the reader decides which moment it asks about.
Reads: bronze fraud labels.
Rules: a label delivered twice counts once. `known_at` is when it became known: training at a moment may use only
labels known before it.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transform import bronze
from transform.contract import clean, delivery_key, judge, plausible_time, present
from transform.deliveries import judged_deliveries, kept_deliveries
from transform.records import field, opened
from transform.spec import BOOLEAN, STRING, TIMESTAMP, Table, required, scoped

SCHEMA = StructType(
    [
        required("order_id", STRING),
        required("is_fraud", BOOLEAN),
        required("known_at", TIMESTAMP),
        required("event_id", STRING),
    ]
)
PERSONAL: tuple[str, ...] = ()
ROW_CHECKS = (*(present(name) for name in SCHEMA.names), plausible_time("known_at"))


def labels(records: DataFrame) -> DataFrame:
    """Each delivery of a label, with a verdict."""
    typed = opened(records, "event_id", "order_id", "is_fraud", "occurred_at").select(
        "*", field("event_id"), field("order_id"), field("is_fraud", "boolean"),
        field("occurred_at", "timestamp").alias("known_at"),
    )  # fmt: skip
    return judge(typed, ROW_CHECKS, SCHEMA.names, F.col("_value"), delivery_key("event_id"))


def fraud_labels(judged: DataFrame) -> DataFrame:
    """The labels that pass every check."""
    return clean(judged).select(*SCHEMA.names)


FOLD = kept_deliveries("silver.judged_fraud_labels", bronze.FRAUD_LABELS, SCHEMA.fields, labels)
JUDGED = judged_deliveries("judged.fraud_labels", "silver.fraud_labels", FOLD)
TABLE = Table(
    name="silver.fraud_labels",
    grain=("event_id",),
    schema=SCHEMA,
    personal=PERSONAL,
    scope=("event_id",),
    reads=(scoped(JUDGED.name, "_key"),),
    build=fraud_labels,
)
