"""The geometry of the charts: from figures to rectangles and lines, in exact decimals, ready for an SVG template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from customer360.formats import day as full_day
from customer360.formats import money_short, short_day
from customer360.overview import CHANNELS, Day

# Columns of daily bars that stay readable; longer spans are shown by week.
DAILY_MAX = 62
# Fewest pixels between the middles of two labels of the time axis.
LABEL_PIXELS = 64
GRID_LINES = 4
# A column fills this share of its slot.
COLUMN_SHARE = Decimal("0.72")
COLUMN_PIXELS_MAX = Decimal(40)
TENTH = Decimal("0.1")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Segment:
    """One channel's part of a column, in pixels."""

    channel: str
    y: Decimal
    height: Decimal


@dataclass(frozen=True, slots=True)
class Column:
    """One day or week; `days` are its figures summed."""

    x: Decimal
    width: Decimal
    slot_x: Decimal
    slot_width: Decimal
    segments: tuple[Segment, ...]
    name: str
    figures: Day


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where, and what it says."""

    position: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a chart and the margins of its plot, in pixels."""

    width: int
    height: int
    left: int = 52
    right: int = 8
    top: int = 14
    bottom: int = 28

    @property
    def plot_width(self) -> int:
        """Pixels between the margins."""
        return self.width - self.left - self.right

    @property
    def plot_height(self) -> int:
        """Pixels between the margins."""
        return self.height - self.top - self.bottom


@dataclass(frozen=True, slots=True)
class StackedColumns:
    """A chart of stacked columns over time."""

    frame: Frame
    unit: str
    columns: tuple[Column, ...]
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    zero: Decimal


def stacked_columns(days: Sequence[Day], frame: Frame) -> StackedColumns:
    """Net revenue by day, or by week when there are too many days; negative parts hang below the zero line."""
    unit, spans = _spans(days)
    highest = max((_part_sum(span, positive=True) for span in spans), default=ZERO)
    lowest = min((_part_sum(span, positive=False) for span in spans), default=ZERO)
    step = nice_step(highest - lowest)
    top = (highest / step).to_integral_value(ROUND_CEILING) * step or step
    bottom = (lowest / step).to_integral_value(ROUND_FLOOR) * step
    scale = _Scale(frame, bottom, top)
    slot = Decimal(frame.plot_width) / max(len(spans), 1)
    columns = tuple(_column(index, span, slot, scale, unit) for index, span in enumerate(spans))
    levels = [bottom + step * number for number in range(int((top - bottom) / step) + 1)]
    ticks = tuple(Tick(scale.y(level), money_short(level)) for level in levels)
    return StackedColumns(frame, unit, columns, ticks, _x_ticks(spans, slot, frame), scale.y(ZERO))


def sparkline(values: Sequence[Decimal | int], width: int = 120, height: int = 32) -> str:
    """The points of a small line without axes, as an SVG polyline wants them; empty for fewer than two values."""
    if len(values) < 2:
        return ""
    lowest, highest = Decimal(min(values)), Decimal(max(values))
    spread = (highest - lowest) or Decimal(1)
    step = Decimal(width) / (len(values) - 1)
    points = (
        (step * index, height - 2 - (Decimal(value) - lowest) / spread * (height - 4))
        for index, value in enumerate(values)
    )
    return " ".join(f"{_pixel(x)},{_pixel(y)}" for x, y in points)


def share_width(part: Decimal, largest: Decimal) -> str:
    """A bar's length as a percentage of the largest, for an SVG without a view box."""
    if largest <= 0 or part <= 0:
        return "0%"
    return f"{_pixel(100 * part / largest)}%"


def heat_level(count: int, largest: int) -> int:
    """0 for nothing, else 1 to 5 by square root, so that small counts stay distinguishable."""
    if not count or not largest:
        return 0
    return max(1, int((Decimal(count) / largest).sqrt() * 5 + Decimal("0.5")))


def nice_step(span: Decimal) -> Decimal:
    """The distance of grid lines: 1, 2, 2.5 or 5 times a power of ten."""
    if span <= 0:
        return Decimal(1)
    rough = span / GRID_LINES
    power = Decimal(10) ** rough.adjusted()
    return next(
        (power * factor for factor in (1, 2, Decimal("2.5"), 5) if power * factor >= rough), power * Decimal(10)
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    frame: Frame
    bottom: Decimal
    top: Decimal

    def y(self, amount: Decimal) -> Decimal:
        return _pixel(self.frame.top + self.frame.plot_height * (self.top - amount) / (self.top - self.bottom))


def _spans(days: Sequence[Day]) -> tuple[str, list[Day]]:
    if not days:
        return "day", []
    first, last = days[0].day, days[-1].day
    weekly = (last - first).days >= DAILY_MAX
    start = first - timedelta(days=first.weekday()) if weekly else first
    step = timedelta(days=7 if weekly else 1)
    spans = {start + step * n: Day(start + step * n, ZERO, ZERO, ZERO, 0) for n in range((last - start) // step + 1)}
    for day in days:
        key = start + step * ((day.day - start) // step)
        spans[key] = _plus(spans[key], day)
    return ("week" if weekly else "day"), list(spans.values())


def _plus(one: Day, other: Day) -> Day:
    return Day(
        one.day,
        one.till + other.till,
        one.web + other.web,
        one.marketplace + other.marketplace,
        one.orders + other.orders,
    )


def _part_sum(span: Day, *, positive: bool) -> Decimal:
    parts = (getattr(span, channel) for channel in CHANNELS)
    return sum((part for part in parts if (part > 0) == positive), ZERO)


def _column(index: int, span: Day, slot: Decimal, scale: _Scale, unit: str) -> Column:
    width = min(slot * COLUMN_SHARE, COLUMN_PIXELS_MAX)
    left = scale.frame.left + slot * index
    segments = []
    up = down = ZERO
    for channel in CHANNELS:
        amount = getattr(span, channel)
        base = up if amount > 0 else down
        upper, lower = scale.y(max(base, base + amount)), scale.y(min(base, base + amount))
        segments.append(Segment(channel, upper, lower - upper))
        up, down = (up + amount, down) if amount > 0 else (up, down + amount)
    return Column(
        x=_pixel(left + (slot - width) / 2),
        width=_pixel(width),
        slot_x=_pixel(left),
        slot_width=_pixel(slot),
        segments=tuple(segment for segment in segments if segment.height > 0),
        name=("Week of " if unit == "week" else "") + full_day(span.day),
        figures=span,
    )


def _x_ticks(spans: Sequence[Day], slot: Decimal, frame: Frame) -> tuple[Tick, ...]:
    every = max(1, int((LABEL_PIXELS / slot).to_integral_value(ROUND_CEILING))) if spans else 1
    return tuple(
        Tick(_pixel(frame.left + slot * index + slot / 2), short_day(span.day))
        for index, span in enumerate(spans)
        if index % every == 0
    )


def _pixel(value: Decimal) -> Decimal:
    return value.quantize(TENTH, ROUND_HALF_EVEN)


def last_days(days: Sequence[Day], count: int, until: date) -> tuple[Day, Day]:
    """The figures of the `count` days up to `until`, and of the same number of days before, each summed."""
    recent = before = Day(until, ZERO, ZERO, ZERO, 0)
    for day in days:
        age = (until - day.day).days
        if 0 <= age < count:
            recent = _plus(recent, day)
        elif count <= age < 2 * count:
            before = _plus(before, day)
    return recent, before
