"""What is left of a person for callers without the scope for personal data."""

from dataclasses import fields

import pytest
from customer360 import masking
from customer360.profile import Household, Person, SourceAccount, profile_version
from customer360_builders import a_profile, told_of_maria
from hypothesis import given
from hypothesis import strategies as st


def test_every_field_of_a_person_has_a_rule() -> None:
    names = {field.name for record in (Person, Household, SourceAccount) for field in fields(record)}
    assert names == set(masking.RULES) | masking.OMITTED


def test_nothing_of_a_masked_profile_names_the_person() -> None:
    shown = repr(masking.masked(a_profile()))
    assert told_of_maria(shown) == []
    assert "1971" not in shown
    assert "45-54" not in shown


def test_a_masked_profile_keeps_its_figures() -> None:
    profile = a_profile()
    masked = masking.masked(profile)
    assert (masked.figures, masked.customer_id, masked.marketing_consent) == (
        profile.figures,
        profile.customer_id,
        profile.marketing_consent,
    )
    assert (masked.person.first_name, masked.person.last_name, masked.person.state) == ("M.", "D.", "WA")


def test_what_is_not_known_stays_unknown() -> None:
    assert masking.masked_record(Person()) == Person()


@pytest.mark.parametrize(
    ("value", "masked"),
    [("maria@example.com", "m•••@•••.com"), ("no address", "•••"), ("@example.com", "•••"), ("", "•••")],
)
def test_an_address_keeps_its_first_letter_and_its_last_label(value: str, masked: str) -> None:
    assert masking.masked_email(value) == masked


@pytest.mark.parametrize(("value", "masked"), [("+12065550142", "•••42"), ("911", "•••"), ("", "•••")])
def test_a_number_keeps_two_digits(value: str, masked: str) -> None:
    assert masking.masked_phone(value) == masked


@given(st.text(min_size=8, max_size=40), st.text(min_size=2, max_size=8))
def test_the_length_of_a_masked_address_tells_nothing(local: str, domain: str) -> None:
    masked = masking.masked_email(f"{local}@{domain}.com")
    assert len(masked) in {len("m•••@•••.com"), len("•••")}


def test_the_version_changes_with_the_figures_and_not_with_the_person() -> None:
    profile = a_profile()
    version = profile_version(profile)
    assert profile_version(a_profile(person=Person(first_name="Else"))) == version
    assert profile_version(a_profile(timeline_count=9)) != version
    assert len(version) == 16


def test_a_secret_is_found_as_a_word_and_not_in_the_digits_of_a_clock() -> None:
    assert told_of_maria('{"postal_code":"98101","at":"L-77."}') == ["98101", "L-77"]
    assert told_of_maria("process_cpu_seconds 1.98101e+08, at 04:46:28.498101Z, 12.98101") == []
