"""Values of JSON have one spelling, numbers all their digits, and places in the order are exact."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transform.exact_json import canonical, parsed
from transform.sequences import NUMBER, TIMESTAMP, sequence_of

decimals = st.decimals(allow_nan=False, allow_infinity=False)
numbers = (
    st.integers()
    | decimals
    | st.sampled_from(["1", "1.0", "10e-1", "-0.0", "1e40", "1" + "0" * 40, "1e-40"]).map(Decimal)
)


@given(numbers, numbers)
def test_two_numbers_have_one_spelling_when_they_are_equal_and_no_other_time(one: Decimal, other: Decimal) -> None:
    assert (canonical(parsed(str(one))) == canonical(parsed(str(other)))) == (one == other)


@given(numbers)
def test_the_spelling_of_a_number_is_json_and_the_same_number(one: Decimal) -> None:
    assert json.loads(canonical(parsed(str(one))), parse_float=Decimal) == one


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)
    )
)
def test_the_spelling_of_a_value_means_the_value(value: object) -> None:
    assert json.loads(canonical(parsed(json.dumps(value)))) == value


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e99999999999999999999", "{", "", "9" * 5000, "[" * 100_000])
def test_what_is_no_json_value_is_refused(text: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        parsed(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86_400),
        ("1970-01-01T00:00", 0),
        ("1970-01-01 00:00:01Z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T01:00:00 +0100", 0),
        ("1970-01-01T00:00:00,25Z", Fraction(1, 4)),
        ("1969-12-31T23:59:59.999999999Z", Fraction(-1, 10**9)),
    ],
)
def test_a_timestamp_is_a_moment(text: str, seconds: object) -> None:
    found = sequence_of(text)
    assert found is not None
    assert (found.kind, found.value, found.spelling) == (TIMESTAMP, seconds, json.dumps(text))


@pytest.mark.parametrize("value", ["", "12", "now", "2026-02-30", "2026-01-01T25:00:00Z", True, None, [], {}])
def test_what_is_neither_number_nor_timestamp_is_no_place(value: object) -> None:
    assert sequence_of(value) is None


def test_a_number_keeps_its_digits() -> None:
    found = sequence_of(parsed("1.50"))
    assert found is not None
    assert (found.kind, found.value, found.spelling) == (NUMBER, Decimal("1.5"), "1.50")
