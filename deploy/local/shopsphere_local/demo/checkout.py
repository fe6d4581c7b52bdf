"""Plays checkout: sends the web orders of the last days to the fraud service, in the order of time."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row
from shopsphere_kit.errors import Unavailable

# The first day of The Complete Journey, midnight.
FIRST_DAY = datetime(2017, 1, 1, tzinfo=UTC)
_OFFERED = """
SELECT count(*) FROM orders WHERE channel = 'web' AND status <> 'returned' AND ordered_at >= %s
"""
_ORDERS = """
SELECT o.order_id, o.user_id, o.store_id, o.card_token, o.total_amount, o.currency, o.ordered_at,
       sum(i.quantity) AS units, count(*) AS line_count
FROM orders o JOIN order_items i USING (order_id)
WHERE o.channel = 'web' AND o.status <> 'returned' AND o.ordered_at >= %s
GROUP BY o.order_id ORDER BY o.ordered_at, o.order_id
"""


def scored_days(days: int) -> int:
    """How many of the last days are scored: a quarter, at least one; the days before train the model."""
    return max(1, round(days / 4))


def scoring_start(days: int) -> datetime:
    """The moment from which on web orders are scored."""
    return FIRST_DAY + timedelta(days=days - scored_days(days))


@dataclass(frozen=True)
class Checkout:
    """A client of the fraud service with a token that may score."""

    base_url: str
    token: str

    def score_all(self, dsn: str, since: datetime, on_scored: Callable[[int, int], None]) -> int:
        """Score every web order since then; tells `on_scored` (done, total) and returns how many."""
        orders = list(web_orders(dsn, since))
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.base_url, headers=headers, timeout=10.0) as client:
            for number, order in enumerate(orders, start=1):
                answer = client.post(
                    "/v1/score", json=order, headers={"Idempotency-Key": f"checkout-{order['order_id']}"}
                )
                if answer.status_code != httpx.codes.OK:
                    raise Unavailable(f"the fraud service answered {answer.status_code}: {answer.text[:500]}")
                on_scored(number, len(orders))
        return len(orders)


def web_orders(dsn: str, since: datetime) -> Iterator[dict[str, Any]]:
    """The bodies of POST /v1/score for the shop's web orders since then, oldest first."""
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        for row in connection.execute(_ORDERS, (since,)):
            yield {
                "order_id": str(row["order_id"]),
                "user_id": None if row["user_id"] is None else str(row["user_id"]),
                "store_id": row["store_id"],
                "card_token": row["card_token"],
                "amount": str(row["total_amount"]),
                "currency": row["currency"],
                "units": int(row["units"]),
                "line_count": row["line_count"],
                "ordered_at": row["ordered_at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
            }


def offered_orders(dsn: str, since: datetime) -> int:
    """How many web orders the shop's database holds since then."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(_OFFERED, (since,)).fetchone()
    return int(row[0]) if row else 0


def fraudulent_orders(truth: Path) -> set[str]:
    """The order ids that the truth file, which the platform never sees, calls fraudulent."""
    with truth.open(newline="", encoding="utf-8") as lines:
        return {row["order_id"] for row in csv.DictReader(lines)}


def average_precision(scores: dict[str, float], positives: set[str]) -> float | None:
    """Σ (recall gained × precision) over falling scores, ties taken together; None when no scored order is positive."""
    total = len(positives & scores.keys())
    if not total:
        return None
    found = seen = 0
    area = 0.0
    falling = sorted(scores, key=lambda order: -scores[order])
    for _, tied in groupby(falling, key=lambda order: scores[order]):
        hits = [order in positives for order in tied]
        found, seen = found + sum(hits), seen + len(hits)
        area += sum(hits) / total * found / seen
    return round(area, 6)
