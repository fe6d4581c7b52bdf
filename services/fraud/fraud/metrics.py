"""What fraud counts, beyond what every door counts. No label names an order, a user or a card."""

from prometheus_client import Counter, Gauge

DECISIONS = Counter(
    "shopsphere_fraud_decisions_total",
    "Orders decided, by decision and by what decided (model: score and rules; rules: rules alone).",
    ["decision", "by"],
)
DEGRADED = Counter(
    "shopsphere_fraud_degraded_total",
    "Calls to the velocity store that did not answer in time, by step (open, close), or were skipped after one.",
    ["step"],
)
PUBLISHED = Counter("shopsphere_fraud_published_total", "Decisions that Kafka acknowledged.")
KEPT_ASIDE = Gauge("shopsphere_fraud_kept_aside", "Decisions held in this process because the velocity store was away.")
LOST = Counter("shopsphere_fraud_lost_total", "Decisions dropped from this process because too many were held.")
LABELS = Counter("shopsphere_fraud_labels_total", "Label records handled, by outcome.", ["outcome"])
