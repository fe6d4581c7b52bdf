"""E-mail addresses and phone numbers as keys of a lookup."""

import pytest
from customer360 import contact
from customer360.errors import ContactInvalid

KEY = b"a key"


@pytest.mark.parametrize("raw", ["maria@example.com", " MARIA@Example.COM ", "ｍaria@example.com"])
def test_spellings_of_one_address_give_one_digest(raw: str) -> None:
    assert contact.email_digest(KEY, raw) == contact.email_digest(KEY, "maria@example.com")


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
