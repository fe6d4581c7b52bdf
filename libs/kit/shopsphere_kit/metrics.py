"""Metrics that every door has; a service's own stand in its metrics.py. Labels never hold personal data."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "shopsphere_requests_total",
    "Requests answered, by door (rest, grpc), route template or method, and status.",
    ["service", "door", "route", "status"],
)
REQUEST_SECONDS = Histogram(
    "shopsphere_request_seconds",
    "Time from the first byte of a request to the last byte of its answer, seconds.",
    ["service", "door", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
STREAM_RECORDS = Counter(
    "shopsphere_stream_records_total",
    "Records a stream worker handled, by topic.",
    ["topic"],
)
