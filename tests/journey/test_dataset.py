"""The real input: what is read from the package's files is what they hold, to the cent."""

from decimal import Decimal

import pytest
from shopsphere_kit.errors import InvalidArgument
from shopsphere_local.journey import Journey
from shopsphere_local.journey.dataset import Dataset


def test_the_year_holds_what_its_publisher_says() -> None:
    figures = Journey(365).input_figures()
    assert figures == {
        "lines": 1_469_307,
        "baskets": 155_848,
        "households": 2_469,
        "quantity": 152_923_108,
        "sales_value": Decimal("4596039.58"),
    }


def test_four_weeks_hold_the_lines_counted_beforehand() -> None:
    figures = Journey(28).input_figures()
    assert (figures["lines"], figures["baskets"]) == (110_982, 11_432)
    assert figures["sales_value"] == Decimal("332183.53")


def test_baskets_hold_every_cent_of_their_days() -> None:
    baskets = Dataset().baskets(0, 2)
    figures = Journey(3).input_figures()
    lines = [line for basket in baskets for line in basket.lines]
    assert len(lines) == figures["lines"]
    assert Decimal(sum(line.amount for line in lines)) / 100 == figures["sales_value"]
    assert sum(line.quantity for line in lines) == figures["quantity"]


def test_the_last_day_runs_on_to_the_end_of_the_data() -> None:
    last = Dataset().baskets(364, 364)
    assert {basket.day for basket in last} == {364}
    assert last[-1].bought_at.isoformat() == "2018-01-01T04:01:20+00:00"


@pytest.mark.parametrize("days", [0, 366])
def test_days_outside_the_data_are_refused(days: int) -> None:
    with pytest.raises(InvalidArgument, match="1 to 365"):
        Journey(days)
