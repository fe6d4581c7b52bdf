"""Profiles, timelines and overviews as a store would hold them."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from customer360.overview import CHANNELS, ChannelTotal, Day, Headline, Overview, Ranked, recency_matrix
from customer360.profile import (
    Household,
    KeyFigures,
    Person,
    Profile,
    ReleaseStamp,
    SourceAccount,
    TimelineEntry,
)

MARIA = "C00000000000000aa"
NOAH = "C00000000000000bb"
DELETED = "C00000000000000dd"
# Everything personal about Maria; none of it may reach a masked page, a URL or a log.
MARIA_SECRETS = (
    "Maria",
    "Dos Santos",
    "maria@example.com",
    "+12065550142",
    "12 Elm Street",
    "Seattle",
    "98101",
    "L-77",
)


def told_of_maria(text: str) -> list[str]:
    """Her secrets in a text, as whole words: the digits of a clock or a counter may hold a postal code."""
    return [secret for secret in MARIA_SECRETS if re.search(rf"(?<![\w.]){re.escape(secret)}(?!\w|\.\d)", text)]


MARIA_DETAILS: dict[str, Any] = {
    "first_name": "Maria",
    "last_name": "Dos Santos",
    "email": "maria@example.com",
    "phone": "+12065550142",
    "street": "12 Elm Street",
    "city": "Seattle",
    "postal_code": "98101",
    "state": "WA",
    "birth_date": date(1971, 5, 4),
    "loyalty_number": "L-77",
    "age_band": "45-54",
    "income_band": "50-74K",
    "household_size": "2",
    "marketing_consent": True,
}


def at(day: int, hour: int = 12) -> datetime:
    """A moment in March 2017, or later when the month is over."""
    return datetime(2017, 3, 1, hour, tzinfo=UTC) + timedelta(days=day - 1)


STAMP = ReleaseStamp("R20170311T000000Z-abc123", at(11))


def a_profile(customer_id: str = MARIA, **changes: Any) -> Profile:
    """A profile as the store would hold it."""
    amounts = (Decimal("36.75"), Decimal("4.25"), Decimal("11.75"), Decimal("20.00"), Decimal("5.00"))
    figures = KeyFigures(at(1), at(9), 3, 4, 8, *amounts, 367, "Store 367", "GROCERY", 1)
    person = {name: MARIA_DETAILS[name] for name in Person.__dataclass_fields__ if name in MARIA_DETAILS}
    profile = Profile(
        customer_id=customer_id,
        person=Person(**person, emails=("maria@example.com",), phones=("+12065550142",)),
        household=Household("45-54", "50-74K", "2"),
        marketing_consent=True,
        accounts=(SourceAccount("shop", "7"),),
        figures=figures,
        timeline_count=0,
        is_deleted=False,
    )
    return replace(profile, **changes)


def an_entry(day: int, order_id: str = "1001") -> TimelineEntry:
    """An order on a day of March 2017."""
    return TimelineEntry(
        at(day),
        "order",
        source="shop",
        order_id=order_id,
        channel="till",
        status="completed",
        store_id=367,
        store_name="Store 367",
        line_count=1,
        units=2,
        total_amount=Decimal("10.10"),
        categories=("SOFT DRINKS",),
    )


def an_overview() -> Overview:
    """Figures of one day."""
    day = Day(date(2017, 3, 1), Decimal("1.10"), Decimal("2.20"), Decimal("-0.30"), 2)
    headline = Headline(2, 1, 1, 2, 3, Decimal("3.00"), Decimal("0.30"))
    ranked = (Ranked("GROCERY", Decimal("3.00")),)
    channels = tuple(ChannelTotal(name, Decimal("1.00"), 1, 1) for name in CHANNELS)
    recency = recency_matrix([(0, 1), (200, 30)])
    return Overview(headline, (day,), channels, (1, 0, 0), ranked, ranked, recency)
