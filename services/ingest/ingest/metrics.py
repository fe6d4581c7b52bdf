"""Ingest's metrics; labels are names of tables and streams, never values."""

from prometheus_client import Counter, Histogram

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
