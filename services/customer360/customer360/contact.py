"""How an e-mail address or a phone number becomes a lookup key that does not give it away.

The normal spellings are those of the mart's `emails` and `phones` columns, to the character: the same blanks are
trimmed, the same digits counted, the same extension cut off. What somebody types may be spelt more freely, so a lookup
tries what was typed as the mart would write it, and then the same in NFKC without any surrounding white space.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable

from customer360.errors import ContactInvalid

EMAIL = re.compile(r"[^@ ]+@[^@ ]+")
# E.164: at most 15 digits, no leading zero; shorter than 8 is no full number anywhere.
E164 = re.compile(r"\+[1-9][0-9]{7,14}")
# To the end of the last line, and white space in ASCII, as the engine that writes the mart reads `\s*(x|ext|#).*$`.
_EXTENSION = re.compile(r"[ \t\n\x0b\f\r]*(x|ext|#)[^\n\r\x85\u2028\u2029]*(?=(\r\n|[\n\r\x85\u2028\u2029])?\Z)")
# The shops are in the United States: ten digits get its country code.
NATIONAL_DIGITS = 10
# The longest address that SMTP can carry (RFC 5321, 4.5.3.1.3).
EMAIL_CHARS_MAX = 254


def normalised_email(raw: str) -> str:
    """The address in lower case without surrounding blanks; raises `ContactInvalid` naming the field."""
    email = raw.strip(" ").lower()
    if len(email) > EMAIL_CHARS_MAX or not EMAIL.fullmatch(email):
        raise ContactInvalid("email: write an address such as name@example.com", field="email")
    return email


def normalised_phone(raw: str) -> str:
    """The number in E.164, a national number taken as one of the United States; raises `ContactInvalid`."""
    text = _EXTENSION.sub("", raw.strip(" ").lower())
    digits = re.sub(r"[^0-9]", "", text).removeprefix("00")
    if not text.startswith("+") and len(digits) == NATIONAL_DIGITS:
        digits = "1" + digits
    has_country_one = digits.startswith("1") and len(digits) == NATIONAL_DIGITS + 1
    if not (has_country_one or text.startswith(("+", "00"))) or not E164.fullmatch("+" + digits):
        raise ContactInvalid("phone: write the number in E.164, such as +12065550142", field="phone")
    return "+" + digits


def email_digest(key: bytes, raw: str) -> bytes:
    """HMAC-SHA256 of the normalised address: 32 bytes."""
    return hmac.new(key, b"email:" + normalised_email(raw).encode(), hashlib.sha256).digest()


def phone_digest(key: bytes, raw: str) -> bytes:
    """HMAC-SHA256 of the normalised number: 32 bytes."""
    return hmac.new(key, b"phone:" + normalised_phone(raw).encode(), hashlib.sha256).digest()


def digests_to_try(digest: Callable[[bytes, str], bytes], key: bytes, typed: str) -> list[bytes]:
    """One or two digests, the mart's own spelling first; raises `ContactInvalid` when neither spelling is one."""
    found: list[bytes] = []
    refusal: ContactInvalid | None = None
    for spelling in (typed, unicodedata.normalize("NFKC", typed).strip()):
        try:
            found.append(digest(key, spelling))
        except ContactInvalid as error:
            refusal = error
    if not found and refusal:
        raise refusal
    return list(dict.fromkeys(found))


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
