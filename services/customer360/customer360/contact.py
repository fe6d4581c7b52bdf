"""How an e-mail address or a phone number becomes a lookup key that does not give it away.

The normal spellings are those of the mart's `emails` and `phones` columns.
"""

import hashlib
import hmac
import re
import unicodedata

from customer360.errors import ContactInvalid

EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
# E.164: at most 15 digits, no leading zero; shorter than 8 is no full number anywhere.
E164 = re.compile(r"\+[1-9]\d{7,14}")
_EXTENSION = re.compile(r"\s*(x|ext|#).*$")
# The shops are in the United States: a bare ten-digit number gets its country code.
NATIONAL_DIGITS = 10
# The longest address that SMTP can carry (RFC 5321, 4.5.3.1.3).
EMAIL_CHARS_MAX = 254


def normalised_email(raw: str) -> str:
    """The address in NFKC, trimmed, in lower case; raises `ContactInvalid` naming the field."""
    email = unicodedata.normalize("NFKC", raw).strip().lower()
    if len(email) > EMAIL_CHARS_MAX or not EMAIL.fullmatch(email):
        raise ContactInvalid("email: write an address such as name@example.com", field="email")
    return email


def normalised_phone(raw: str) -> str:
    """The number in E.164, a national number taken as one of the United States; raises `ContactInvalid`."""
    text = _EXTENSION.sub("", unicodedata.normalize("NFKC", raw).strip().lower())
    digits = re.sub(r"\D", "", text)
    if text.startswith("00"):
        digits = digits.removeprefix("00")
    elif not text.startswith("+") and len(digits) == NATIONAL_DIGITS:
        digits = "1" + digits
    elif not text.startswith("+") and not (digits.startswith("1") and len(digits) == NATIONAL_DIGITS + 1):
        digits = ""
    if not E164.fullmatch("+" + digits):
        raise ContactInvalid("phone: write the number in E.164, such as +12065550142", field="phone")
    return "+" + digits


def email_digest(key: bytes, raw: str) -> bytes:
    """HMAC-SHA256 of the normalised address: 32 bytes."""
    return hmac.new(key, b"email:" + normalised_email(raw).encode(), hashlib.sha256).digest()


def phone_digest(key: bytes, raw: str) -> bytes:
    """HMAC-SHA256 of the normalised number: 32 bytes."""
    return hmac.new(key, b"phone:" + normalised_phone(raw).encode(), hashlib.sha256).digest()


def key_fingerprint(key: bytes) -> str:
    """8 hex digits that tell two lookup keys apart and neither's bytes."""
    return hmac.new(key, b"fingerprint", hashlib.sha256).hexdigest()[:8]


def known_digests(key: bytes, emails: list[str], phones: list[str]) -> set[bytes]:
    """The keys under which a customer is found; what is no address or number is left out."""
    digests = set()
    for digest, values in ((email_digest, emails), (phone_digest, phones)):
        for value in values:
            try:
                digests.add(digest(key, value))
            except ContactInvalid:
                continue
    return digests
