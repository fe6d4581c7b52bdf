"""From answers to HTML: what each page shows, and the templates that show it."""

import hashlib
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from shopsphere_kit.errors import ShopSphereError

from customer360 import charts, formats
from customer360.directory import CustomerAnswer, CustomerDirectory, TimelineAnswer
from customer360.errors import NothingLoaded
from customer360.masking import PERSONAL_SCOPE
from customer360.overview import CHANNELS, FREQUENCY_BANDS, RECENCY_BANDS, Overview, spending_by_day
from customer360.profile import TimelineEntry
from customer360.sessions import Session, Sessions

STATIC = Path(__file__).parent / "static"
# A chart is drawn twice, and the style sheet shows the one that fits: text in a scaled-down SVG could not be read.
WIDE = charts.Frame(width=1120, height=300)
NARROW = charts.Frame(width=358, height=240, left=44)
PROFILE_WIDE = charts.Frame(width=720, height=220)
# Key figures compare the last week with the one before.
COMPARED_DAYS = 7


class Pages:
    """Renders every page of the dashboard."""

    def __init__(self, directory: CustomerDirectory, sessions: Sessions) -> None:
        self._directory = directory
        self._sessions = sessions
        self._templates = Environment(
            loader=PackageLoader("customer360"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(formats.FILTERS)
        self._templates.globals.update(
            channels=CHANNELS,
            percent=formats.percent,
            change=formats.change,
            share_width=charts.share_width,
            heat_level=charts.heat_level,
            style_version=_version(STATIC / "dashboard.css"),
        )

    def overview(self, session: Session) -> str:
        """The release at a glance."""
        _, found = self._directory.overview()
        days = found.days
        return self._render(
            "overview.html",
            session,
            overview=found,
            wide=charts.stacked_columns(days, WIDE),
            narrow=charts.stacked_columns(days, NARROW),
            spark_revenue=charts.sparkline([day.revenue for day in days]),
            spark_orders=charts.sparkline([day.orders for day in days]),
            compared=_compared(found),
            channel_totals={total.name: total.revenue for total in found.channels},
            recency_largest=max(map(max, found.recency)),
            recency_bands=[name for name, _ in RECENCY_BANDS],
            frequency_bands=[name for name, _ in FREQUENCY_BANDS],
        )

    def customer(
        self,
        session: Session,
        customer: CustomerAnswer,
        timeline: TimelineAnswer,
        history: Sequence[TimelineEntry],
    ) -> str:
        """One profile with a page of its timeline."""
        days = spending_by_day(history)
        months = groupby(timeline.entries, key=lambda entry: formats.month(entry.occurred_at))
        figures = customer.figures
        return self._render(
            "customer.html",
            session,
            customer=customer,
            timeline=timeline,
            months=[(name, list(entries)) for name, entries in months],
            wide=charts.stacked_columns(days, PROFILE_WIDE),
            narrow=charts.stacked_columns(days, NARROW),
            channel_totals={
                "till": figures.till_amount,
                "web": figures.web_amount,
                "marketplace": figures.marketplace_amount,
            },
        )

    def find(self, session: Session, *, query: str = "", problem: ShopSphereError | None = None) -> str:
        """The search form, with what went wrong the last time."""
        return self._render("find.html", session, query=query, problem=problem)

    def signin(self, session: Session, code: str = "") -> str:
        """The form for a one-time code; with the code of a link, its one button."""
        return self._render("signin.html", session, code=code)

    def error(self, session: Session | None, error: ShopSphereError) -> str:
        """What went wrong and what to do about it."""
        return self._render("error.html", session, error=error)

    def _render(self, template: str, session: Session | None, **values: Any) -> str:
        try:
            release = self._directory.release()
        except NothingLoaded:
            release = None
        member = session if session is not None and session.signed_in else None
        return self._templates.get_template(template).render(
            release=release,
            member=member,
            personal=member is not None and PERSONAL_SCOPE in member.scopes,
            form_token=self._sessions.form_token(session) if session else "",
            **values,
        )


def _version(file: Path) -> str:
    """8 hex digits of the content, so that an upgraded style sheet is not taken from a browser's cache."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:8]


def _compared(found: Overview) -> dict[str, str]:
    """The last week against the one before; empty when the release has less than two weeks."""
    if not found.days or (found.days[-1].day - found.days[0].day).days + 1 < 2 * COMPARED_DAYS:
        return {"revenue": "", "orders": "", "average": ""}
    recent, before = charts.last_days(found.days, COMPARED_DAYS, found.days[-1].day)
    averages = [span.revenue / span.orders if span.orders else 0 for span in (recent, before)]
    return {
        "revenue": formats.change(recent.revenue, before.revenue),
        "orders": formats.change(recent.orders, before.orders),
        "average": formats.change(*averages),
    }
