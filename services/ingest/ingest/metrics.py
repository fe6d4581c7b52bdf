"""Ingest's metrics; labels are names of tables and streams, never values."""

from prometheus_client import Counter, Gauge, Histogram

ROWS = Counter("shopsphere_ingest_rows_total", "Rows committed, by bronze table.", ["table"])
REJECTED = Counter("shopsphere_ingest_quarantined_total", "Records sent to quarantine.", ["source", "reason"])
EXPIRED = Counter(
    "shopsphere_ingest_expired_total", "Records that retention removed before they were read, by source.", ["source"]
)
INTERRUPTIONS = Counter("shopsphere_ingest_interruptions_total", "Times a source was away, by source.", ["source"])
RECOPIES = Counter(
    "shopsphere_ingest_recopies_total",
    "Copies begun anew because the source forgot the position, by source.",
    ["source"],
)
COMMIT_SECONDS = Histogram(
    "shopsphere_ingest_commit_seconds",
    "Time to write and commit one batch, seconds, by bronze table.",
    ["table"],
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
LAG_SECONDS = Gauge(
    "shopsphere_ingest_lag_seconds",
    "Time from the source's commit of the newest row until it was in bronze, at the last commit, by stream, seconds.",
    ["stream"],
)
SLOT_LAG_BYTES = Gauge(
    "shopsphere_ingest_slot_lag_bytes", "Log of PostgreSQL that the slot's reader has not confirmed, bytes.", ["slot"]
)
SLOT_RETAINED_BYTES = Gauge(
    "shopsphere_ingest_slot_retained_bytes", "Log that PostgreSQL keeps on its disk for the slot, bytes.", ["slot"]
)
SLOT_LAG_ALARM = Gauge(
    "shopsphere_ingest_slot_lag_alarm",
    "1 when PostgreSQL keeps more log for the slot than the limit, else 0.",
    ["slot"],
)
