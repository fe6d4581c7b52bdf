"""The platform's Kafka topics: the one place where their names are spelled."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A topic, the entity its records are keyed by (whose order matters), and how many partitions it starts with."""

    name: str
    keyed_by: str
    partitions: int = 4


EVENTS = Topic("events", keyed_by="session_id")
STOCK_MOVEMENTS = Topic("stock-movements", keyed_by="sku@location")
STOCK_MOVEMENTS_DLQ = Topic("stock-movements.dlq", keyed_by="sku@location", partitions=1)
FRAUD_LABELS = Topic("fraud-labels", keyed_by="order_id", partitions=2)
FRAUD_DECISIONS = Topic("fraud-decisions", keyed_by="order_id", partitions=2)
INVENTORY_CHANGES = Topic("inventory-changes", keyed_by="sku@location")

ALL = (EVENTS, STOCK_MOVEMENTS, STOCK_MOVEMENTS_DLQ, FRAUD_LABELS, FRAUD_DECISIONS, INVENTORY_CHANGES)
