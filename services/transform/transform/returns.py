"""Which sale a return gives back: the rule over the lines of one customer and one sku. Pure, deterministic.

Returns that name their order come first, then the others; each of both in the order of time (ties: order id, line).
A return that names an order gives back that order's line. Any other gives back the latest sale at or before it that
still has as many units as it returns. So the links follow from the set of lines, in whatever order they came.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# How a return was linked: the source names the order; the rule found the sale; no sale fits.
NAMED, MATCHED, UNLINKED = "named", "matched", "unlinked"


@dataclass(frozen=True, order=True)
class Line:
    """A line of a sale or a return; `units` are positive in both. Lines are in the order of time."""

    at: datetime
    order_id: str
    line_number: int
    units: int
    names: str | None = None
    """The order that a return says it gives back."""


@dataclass(frozen=True)
class Link:
    """A return, the order and line it gives back as far as known, and how that is known."""

    given_back: Line
    evidence: str
    order_id: str | None = None
    sale: Line | None = None


def link(sales: Iterable[Line], returns: Iterable[Line], *, is_known: bool = True) -> list[Link]:
    """One link per return of one customer and sku, in the order of time.

    Where the customer is not known (`is_known`), sales are anybody's, and only a named order is linked.
    """
    sold, returned = sorted(sales), sorted(returns, key=_when)
    left = {(line.order_id, line.line_number): line.units for line in sold}
    links = [_named(each, sold, left) for each in returned if each.names is not None]
    open_to_match = sold if is_known else []
    links += [_matched(each, open_to_match, left) for each in returned if each.names is None]
    return sorted(links, key=lambda found: _when(found.given_back))


def _when(line: Line) -> tuple[datetime, str, int]:
    return line.at, line.order_id, line.line_number


def _named(given_back: Line, sold: list[Line], left: dict[tuple[str, int], int]) -> Link:
    """The named order's line: that with enough units left and the nearest number, else the nearest number."""
    candidates = [line for line in sold if line.order_id == given_back.names]
    sale = min(candidates, key=lambda line: _distance(line, given_back, left), default=None)
    _take(sale, given_back, left)
    return Link(given_back, NAMED, given_back.names, sale)


def _distance(sale: Line, given_back: Line, left: dict[tuple[str, int], int]) -> tuple[bool, int, int]:
    lacks = left[sale.order_id, sale.line_number] < given_back.units
    return lacks, abs(sale.line_number - given_back.line_number), sale.line_number


def _matched(given_back: Line, sold: list[Line], left: dict[tuple[str, int], int]) -> Link:
    for sale in reversed(sold):
        if sale.at <= given_back.at and left[sale.order_id, sale.line_number] >= given_back.units:
            _take(sale, given_back, left)
            return Link(given_back, MATCHED, sale.order_id, sale)
    return Link(given_back, UNLINKED)


def _take(sale: Line | None, given_back: Line, left: dict[tuple[str, int], int]) -> None:
    if sale is not None:
        left[sale.order_id, sale.line_number] -= given_back.units
