"""Inventory's own metrics; those that every door has are the kit's."""

from prometheus_client import Counter, Gauge, Histogram

FUNCTION_SECONDS = Histogram(
    "shopsphere_inventory_function_seconds",
    "Time of one call of one Redis function, seconds.",
    ["function"],
    buckets=(0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)
DECISIONS = Counter(
    "shopsphere_inventory_decisions_total",
    "Commands decided, by command and outcome: the hold's new state, the reason of a refusal, or replayed.",
    ["command", "outcome"],
)
MOVEMENTS = Counter(
    "shopsphere_inventory_movements_total",
    "Records of stock-movements taken, by outcome: applied, duplicates, quarantined, skipped, or gaps in offsets.",
    ["outcome"],
)
MOVEMENTS_PUBLISHED = Counter(
    "shopsphere_inventory_movements_published_total",
    "Movements decided here (sales of confirmed reservations, adjustments) that Kafka acknowledged.",
)
WATCHERS = Gauge("shopsphere_inventory_watchers", "Clients that follow the changes of stock now, over both doors.")
CHANGES_PUBLISHED = Counter(
    "shopsphere_inventory_changes_published_total",
    "Changes of stock that Kafka acknowledged, those sent again included.",
)
