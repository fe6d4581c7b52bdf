"""The geometry of the charts, and the figures behind them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from customer360 import charts, formats
from customer360.overview import FREQUENCY_BANDS, RECENCY_BANDS, Day, recency_matrix, spending_by_day
from customer360.profile import TimelineEntry
from customer360_builders import an_entry

FRAME = charts.Frame(width=460, height=242, left=50, right=10, top=12, bottom=30)


def days(*revenues: tuple[int, int, int], start: date = date(2017, 3, 1)) -> list[Day]:
    return [
        Day(start + timedelta(days=n), Decimal(till), Decimal(web), Decimal(marketplace), orders=1)
        for n, (till, web, marketplace) in enumerate(revenues)
    ]


def test_segments_stack_without_gaps_up_to_the_amount() -> None:
    chart = charts.stacked_columns(days((50, 30, 20), (100, 0, 0)), FRAME)
    first, second = chart.columns
    till, web, marketplace = first.segments
    assert (till.y + till.height, web.y + web.height, marketplace.y + marketplace.height) == (chart.zero, till.y, web.y)
    assert marketplace.y == second.segments[0].y
    assert [segment.channel for segment in second.segments] == ["till"]


def test_a_day_of_returns_hangs_below_the_zero_line() -> None:
    chart = charts.stacked_columns(days((100, 0, 0), (-40, 10, 0)), FRAME)
    till, web = chart.columns[1].segments
    assert till.y == chart.zero
    assert web.y + web.height == chart.zero


def test_days_without_orders_keep_their_place() -> None:
    apart = [*days((1, 0, 0)), *days((1, 0, 0), start=date(2017, 3, 4))]
    assert [column.figures.revenue for column in charts.stacked_columns(apart, FRAME).columns] == [1, 0, 0, 1]


def test_a_long_span_is_shown_by_weeks_that_begin_on_monday() -> None:
    chart = charts.stacked_columns(days(*[(1, 2, 3)] * 365), FRAME)
    assert chart.unit == "week"
    assert {column.figures.day.weekday() for column in chart.columns} == {0}
    assert sum(column.figures.revenue for column in chart.columns) == 365 * 6
    assert sum(column.figures.orders for column in chart.columns) == 365


def test_every_column_and_tick_lies_inside_the_frame() -> None:
    chart = charts.stacked_columns(days(*[(n, n * 2, 7) for n in range(60)]), FRAME)
    for column in chart.columns:
        assert column.x >= FRAME.left
        assert column.x + column.width <= FRAME.width - FRAME.right + 1
        assert all(segment.y >= FRAME.top for segment in column.segments)
    assert all(FRAME.top <= tick.position <= FRAME.height - FRAME.bottom for tick in chart.y_ticks)


def test_nothing_to_show_is_a_chart_without_columns() -> None:
    assert charts.stacked_columns([], FRAME).columns == ()


@pytest.mark.parametrize(("span", "step"), [("0", "1"), ("3", "1"), ("97", "25"), ("16000", "5000"), ("0.9", "0.25")])
def test_grid_lines_stand_at_round_numbers(span: str, step: str) -> None:
    assert charts.nice_step(Decimal(span)) == Decimal(step)


def test_a_sparkline_spans_its_box() -> None:
    assert charts.sparkline([1, 3, 2]) == "0.0,30.0 60.0,2.0 120.0,16.0"
    assert charts.sparkline([1]) == ""


def test_heat_keeps_small_counts_apart_from_nothing() -> None:
    assert [charts.heat_level(count, 1000) for count in (0, 1, 100, 1000)] == [0, 1, 2, 5]


def test_the_last_week_is_compared_with_the_one_before() -> None:
    recent, before = charts.last_days(days(*[(n, 0, 0) for n in range(14)]), 7, date(2017, 3, 14))
    assert (before.till, recent.till) == (Decimal(sum(range(7))), Decimal(sum(range(7, 14))))
    assert recent.orders == 7


def test_customers_are_counted_in_the_band_they_belong_to() -> None:
    matrix = recency_matrix([(0, 1), (6, 1), (7, 3), (91, 100)])
    assert (matrix[0][0], matrix[1][1], matrix[4][4]) == (2, 1, 1)
    assert (len(matrix), len(matrix[0])) == (len(RECENCY_BANDS), len(FREQUENCY_BANDS))


def test_spending_sums_a_day_and_leaves_out_what_was_cancelled() -> None:
    cancelled = TimelineEntry(
        an_entry(2).occurred_at, "order", channel="web", status="cancelled", total_amount=Decimal(9)
    )
    joined = TimelineEntry(an_entry(1).occurred_at, "account_opened", source="shop")
    spent = spending_by_day([cancelled, an_entry(2), an_entry(2), joined])
    assert spent == (Day(date(2017, 3, 2), Decimal("20.20"), Decimal(0), Decimal(0), 2),)


def test_amounts_and_names_are_written_for_people() -> None:
    assert formats.money(Decimal("-1234.5")) == "−$1,234.50"
    assert [formats.money_short(Decimal(n)) for n in (0, 840, 12400, 3_100_000, -2500)] == [
        "$0",
        "$840",
        "$12.4k",
        "$3.1M",
        "−$2.5k",
    ]
    assert formats.label("SOFT DRINKS") == "Soft drinks"
    assert formats.label("profile_changed") == "Profile changed"
    assert formats.label("DRUG GM") == "Drug GM"
    assert (formats.percent(1, 3), formats.percent(0, 0), formats.percent(1, 1000)) == ("33 %", "–", "<1 %")
    assert (formats.change(11, 10), formats.change(9, 10), formats.change(1, 0)) == ("+10.0 %", "−10.0 %", "")
