"""The release at a glance: the figures behind the dashboard's overview, computed once per load."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from customer360.profile import TimelineEntry

CHANNELS = ("till", "web", "marketplace")

# Upper ends in days since the customer's last order, counted from the newest order of the release.
RECENCY_BANDS: tuple[tuple[str, int | None], ...] = (
    ("0–6 days", 6),
    ("7–13 days", 13),
    ("14–27 days", 27),
    ("28–90 days", 90),
    ("over 90 days", None),
)
# Upper ends in orders per customer.
FREQUENCY_BANDS: tuple[tuple[str, int | None], ...] = (
    ("1", 1),
    ("2–3", 3),
    ("4–9", 9),
    ("10–24", 24),
    ("25+", None),
)


@dataclass(frozen=True, slots=True)
class Day:
    """One day's net revenue in USD by channel, with the number of orders (returns are no orders)."""

    day: date
    till: Decimal
    web: Decimal
    marketplace: Decimal
    orders: int

    @property
    def revenue(self) -> Decimal:
        """All channels together, USD."""
        return self.till + self.web + self.marketplace


@dataclass(frozen=True, slots=True)
class Ranked:
    """One name with its net revenue in USD."""

    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class ChannelTotal:
    """One channel's net revenue in USD, its orders, and the known customers who bought there."""

    name: str
    revenue: Decimal
    orders: int
    customers: int


@dataclass(frozen=True, slots=True)
class Headline:
    """The totals; revenue is net of returns and without cancelled orders, in USD."""

    customers: int
    buying_customers: int
    linked_customers: int
    orders: int
    units: int
    revenue: Decimal
    returned: Decimal


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the overview page shows.

    `recency` is a row per recency band and a column per frequency band; `customers_by_channels` counts the customers
    who bought in one, two and three channels.
    """

    headline: Headline
    days: tuple[Day, ...]
    channels: tuple[ChannelTotal, ...]
    customers_by_channels: tuple[int, ...]
    departments: tuple[Ranked, ...]
    stores: tuple[Ranked, ...]
    recency: tuple[tuple[int, ...], ...]


def spending_by_day(entries: Iterable[TimelineEntry]) -> tuple[Day, ...]:
    """One customer's orders and returns as days, oldest first; cancelled orders are left out."""
    amounts: dict[date, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(CHANNELS, Decimal(0)))
    orders: Counter[date] = Counter()
    for entry in entries:
        if entry.total_amount is None or entry.channel not in CHANNELS or entry.status == "cancelled":
            continue
        day = entry.occurred_at.date()
        amounts[day][entry.channel] += entry.total_amount
        orders[day] += entry.kind == "order"
    return tuple(
        Day(day, found["till"], found["web"], found["marketplace"], orders[day])
        for day, found in sorted(amounts.items())
    )


def band_index(bands: tuple[tuple[str, int | None], ...], value: int) -> int:
    """The position of the band that holds the value."""
    for index, (_name, upper) in enumerate(bands):
        if upper is None or value <= upper:
            return index
    raise AssertionError("the last band has no upper end")


def recency_matrix(customers: list[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Customers counted by (days since the last order, number of orders)."""
    counts = [[0] * len(FREQUENCY_BANDS) for _ in RECENCY_BANDS]
    for days, orders in customers:
        counts[band_index(RECENCY_BANDS, days)][band_index(FREQUENCY_BANDS, orders)] += 1
    return tuple(map(tuple, counts))
