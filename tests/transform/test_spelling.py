"""What people write in many ways has one spelling, and what says nothing has none."""

import pytest
from transform.identity.spelling import birth_date, email, phone, postal_code


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("(212) 555-0187 x12", "+12125550187"),
        ("1-212-555-0187", "+12125550187"),
        ("2125550187.0", "+12125550187"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("0044 20 7946 0000", "+442079460000"),
        ("011 44 20 7946 0000", "+442079460000"),
        ("020 7946 0000", "02079460000"),
        ("0000000000", None),
        ("555-0187", None),
    ],
)
def test_a_telephone_number_is_e_164_as_far_as_its_country_is_known(written: str, number: str | None) -> None:
    assert phone(written) == number


@pytest.mark.parametrize(
    "written",
    [
        "1980-02-29T00:00:00",
        "29/02/1980",
        "02/29/1980",
        "19800229",
        "29 Feb 1980",
        "February 29th, 1980",
        "29-FEB-1980",
    ],
)
def test_a_birth_date_has_eight_digits(written: str) -> None:
    assert birth_date(written) == "19800229"


@pytest.mark.parametrize("written", ["May 1980", "unknown", "", "29 Brumaire 1980"])
def test_a_birth_date_without_day_month_or_year_is_none(written: str) -> None:
    assert birth_date(written) is None


@pytest.mark.parametrize(
    "written", ["A.Lee+shop@GoogleMail.com", "Ann Lee <alee@gmail.com>", "mailto:alee@gmail.com?subject=x"]
)
def test_a_mailbox_is_one_however_it_is_wrapped(written: str) -> None:
    assert email(written) == "alee@gmail.com"


def test_a_postal_code_that_became_a_number_is_the_same() -> None:
    assert postal_code("02138.0") == postal_code("02138-1234") == "02138"
