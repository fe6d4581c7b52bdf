"""E-mail addresses and phone numbers as keys of a lookup."""

import pytest
from customer360 import contact
from customer360.errors import ContactInvalid

KEY = b"a key"


# What the mart's columns hold for a raw value, as the engine that writes them computed it: `lower(trim(…))` for an
# address, digits with a country code for a number. Lookups must arrive at the same text.
EMAILS_OF_THE_MART = [
    ("maria@example.com", "maria@example.com"),
    (" MARIA@Example.COM ", "maria@example.com"),
    ("ｍaria@example.com", "ｍaria@example.com"),
    ("ＭARIA@example.com", "ｍaria@example.com"),
    ("\u00a0maria@example.com", "\u00a0maria@example.com"),
    ("\tmaria@example.com\n", "\tmaria@example.com\n"),
    ("ΝΙΚΟΣ@example.com", "νικος@example.com"),
    ("İ@example.com", "i\u0307@example.com"),
]
PHONES_OF_THE_MART = [
    ("(206) 555-0142 x12", "+12065550142"),
    ("0044 20 7946 0000", "+442079460000"),
    ("+44 20 7946 0000", "+442079460000"),
    ("00 2065550142", "+12065550142"),
    ("+2065550142", "+2065550142"),
    ("+1206555014\u0662", "+1206555014"),
    ("\t1 206 555 0142", "+12065550142"),
    ("206 555 0142 x1\n", "+12065550142"),
    ("+12065550 x1\u202842", "+12065550142"),
]


@pytest.mark.parametrize(("raw", "written"), EMAILS_OF_THE_MART)
def test_an_address_is_spelt_as_the_mart_spells_it(raw: str, written: str) -> None:
    assert contact.normalised_email(raw) == written
    assert contact.normalised_email(written) == written


@pytest.mark.parametrize(("raw", "written"), PHONES_OF_THE_MART)
def test_a_number_is_spelt_as_the_mart_spells_it(raw: str, written: str) -> None:
    assert contact.normalised_phone(raw) == written


@pytest.mark.parametrize(
    ("typed", "tried"),
    [
        ("maria@example.com", ["maria@example.com"]),
        ("ｍaria@example.com", ["ｍaria@example.com", "maria@example.com"]),
        ("maria@example.com\n", ["maria@example.com\n", "maria@example.com"]),
        ("maria\u3000@example.com", ["maria\u3000@example.com"]),
    ],
)
def test_a_lookup_tries_the_marts_spelling_and_then_the_usual_one(typed: str, tried: list[str]) -> None:
    expected = [contact.email_digest(KEY, each) for each in tried]
    assert contact.digests_to_try(contact.email_digest, KEY, typed) == expected


def test_a_number_in_full_width_digits_is_understood() -> None:
    (found,) = contact.digests_to_try(contact.phone_digest, KEY, "＋１２０６５５５０１４２")
    assert found == contact.phone_digest(KEY, "+12065550142")


@pytest.mark.parametrize(
    "raw",
    ["+12065550142", "(206) 555-0142", "1-206-555-0142", "0012065550142", "206.555.0142 ext. 7", "+1 206 555 0142 x12"],
)
def test_spellings_of_one_number_give_its_e164(raw: str) -> None:
    assert contact.normalised_phone(raw) == "+12065550142"


@pytest.mark.parametrize("raw", ["", "maria", "a@b@c", "a b@example.com", "x" * 250 + "@example.com"])
def test_what_is_no_address_is_refused_by_name(raw: str) -> None:
    with pytest.raises(ContactInvalid) as refused:
        contact.normalised_email(raw)
    assert refused.value.field == "email"


@pytest.mark.parametrize("raw", ["", "555", "call me", "+0123456789", "+" + "1" * 16, "5550142"])
def test_what_is_no_number_is_refused_by_name(raw: str) -> None:
    with pytest.raises(ContactInvalid) as refused:
        contact.normalised_phone(raw)
    assert refused.value.field == "phone"


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(ContactInvalid) as refused:
        contact.normalised_email("maria at example")
    assert "maria" not in refused.value.detail


def test_digests_depend_on_the_key_and_on_the_kind() -> None:
    assert contact.email_digest(KEY, "a@b.c") != contact.email_digest(b"other", "a@b.c")
    assert contact.phone_digest(KEY, "+12065550142") != contact.phone_digest(b"other", "+12065550142")
    assert contact.key_fingerprint(KEY) != contact.key_fingerprint(b"other")


def test_values_that_are_no_contact_are_left_out_of_the_index() -> None:
    assert contact.known_digests(KEY, ["broken", "a@b.c", "A@B.C"], ["555"]) == {contact.email_digest(KEY, "a@b.c")}
