"""One spelling of every value, so that equal facts are equal texts. Text → text; None when nothing usable is left."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

# Honorifics and generations say little about who somebody is, and are written in one source and not in another.
_BESIDE_NAMES: Final = frozenset(
    ["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "jr", "sr", "ii", "iii", "iv", "md", "phd", "dds", "dvm"]
)
# Letters that Unicode does not take apart into a letter and an accent.
_LETTERS: Final = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})
# Publication 28 of the US Postal Service, appendices C1 and C2, as far as they occur often; any word for a part of a
# house is "unit".
_STREET_WORDS: Final = {
    "street": "st", "str": "st", "avenue": "ave", "av": "ave", "road": "rd", "drive": "dr", "lane": "ln", "court": "ct",
    "crt": "ct", "place": "pl", "boulevard": "blvd", "circuit": "cct", "crescent": "cres", "circle": "cir",
    "cr": "cres", "close": "cl", "highway": "hwy", "parkway": "pkwy", "square": "sq", "terrace": "ter", "tce": "ter",
    "trail": "trl",
    "parade": "pde", "way": "wy", "mount": "mt", "saint": "st", "fort": "ft", "north": "n", "south": "s", "east": "e",
    "west": "w", "apartment": "unit", "apt": "unit", "suite": "unit", "ste": "unit", "flat": "unit", "no": "unit",
    "mountain": "mtn", "mountains": "mtns", "valley": "vly", "heights": "hts", "junction": "jct", "station": "sta",
    "port": "prt", "square,": "sq", "village": "vlg", "springs": "spgs", "ridge": "rdg", "point": "pt", "plaza": "plz",
}  # fmt: skip
_MAILBOX: Final = re.compile(r"[^@\s]+@[^@\s]+")
# RFC 5322 calls the part in angle brackets the address, RFC 6068 writes it as a link.
_WRAPPED: Final = re.compile(r".*<([^<>]*)>|mailto:([^?]*).*")
# An area code begins with 2 to 9 (North American Numbering Plan).
_NORTH_AMERICAN: Final = re.compile(r"1?([2-9]\d{9})")
# Out of a country: of most countries, and of North America.
_ABROAD: Final = re.compile(r"^(?:00|011(?=\d{9}))")
# Text that was a number once.
_POINT_ZERO: Final = re.compile(r"(?<=\d)\.0+$")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)")
_YEAR_FIRST: Final = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})(?!\d)")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def plain(text: str) -> str:
    """Lower case without accents and punctuation, words separated by one blank: ' O’Brien-Añez ' → 'obrien anez'."""
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    letters = (c for c in apart if not unicodedata.combining(c) and c not in "'’`´")
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


def name(text: str) -> str | None:
    """A first or last name without honorifics: 'Dr. José Peña, Jr.' → 'jose pena'."""
    words = [word for word in plain(text).split() if word not in _BESIDE_NAMES]
    return " ".join(words) or None


def email(text: str) -> str | None:
    """What two spellings of one mailbox share: 'A.Lee+shop@GoogleMail.com' → 'alee@gmail.com'; None without `@`."""
    address = text.strip().lower()
    if wrapped := _WRAPPED.fullmatch(address):
        address = wrapped[wrapped.lastindex or 1].strip()
    if not _MAILBOX.fullmatch(address):
        return None
    local, _, domain = address.partition("@")
    local = local.partition("+")[0]
    domain = "gmail.com" if domain == "googlemail.com" else domain
    local = local.replace(".", "") if domain == "gmail.com" else local
    return f"{local}@{domain}" if local else None


def phone(text: str) -> str | None:
    """E.164; ten digits are North American, an extension is cut off: '(212) 555-0187 x12' → '+12125550187'.

    A national number whose country is not told keeps its leading 0 and has no plus: it still is the same number when it
    is written again.
    """
    main = re.sub(r"\s*(x|ext|#).*$", "", _POINT_ZERO.sub("", text.strip().lower()))
    is_abroad = main.startswith("+") or _ABROAD.match(re.sub(r"[^0-9]", "", main)) is not None
    # +44 (0)20: the trunk prefix is dialled within the country alone.
    digits = re.sub(r"[^0-9]", "", main.replace("(0)", "") if is_abroad else main)
    digits = digits if main.startswith("+") else _ABROAD.sub("", digits, count=1)
    if not 8 <= len(digits) <= 15 or len(set(digits)) == 1:
        return None
    if not main.startswith("+") and (american := _NORTH_AMERICAN.fullmatch(digits)):
        return "+1" + american[1]
    return digits if digits.startswith("0") else "+" + digits


def loyalty_number(text: str) -> str | None:
    """In capitals, letters and digits alone."""
    return "".join(c for c in text.upper() if c.isalnum()) or None


def street(text: str) -> str | None:
    """Abbreviated and in the order of the alphabet: 'Suite 5, 12 Main Street' → '12 5 main st unit'."""
    words = (_STREET_WORDS.get(word, word) for word in plain(text.replace("#", " unit ")).split())
    return " ".join(sorted(words)) or None


def place(text: str) -> str | None:
    """A city or state: 'St. Mary’s' → 'st marys'; the words of streets are abbreviated alike."""
    return " ".join(_STREET_WORDS.get(word, word) for word in plain(text).split()) or None


def postal_code(text: str) -> str | None:
    """Letters and digits, of a ZIP+4 the ZIP: '60601-1234' → '60601'."""
    if re.fullmatch(r"\s*\d{5}-\d{4}\s*", text):
        return text.strip()[:5]
    return plain(_POINT_ZERO.sub("", text.strip())).replace(" ", "") or None


def birth_date(text: str) -> str | None:
    """Eight digits, year first: '1980-02-29T00:00:00', '29/02/1980', '29 Feb 1980' and '19800229' → '19800229'.

    A date that the calendar lacks stays: it may be a slip of the pen and still be close to the right one.
    """
    written = text.strip()
    if found := _YEAR_FIRST.match(written):
        year, month, day = found.groups()
        return f"{year}{int(month):02d}{int(day):02d}"
    if found := _DAY_FIRST.match(written):
        day, month, year = found.groups()
        # 02/29/1980 can only be month first; where both are possible, the comparison allows for the exchange.
        day, month = (month, day) if int(month) > 12 else (day, month)
        return f"{year}{int(month):02d}{int(day):02d}"
    if any(c.isalpha() for c in written):
        return _with_month_name(written)
    digits = re.sub(r"[^0-9]", "", written.partition(".")[0])
    return digits[:8] if len(digits) >= 6 else None


def _with_month_name(written: str) -> str | None:
    """'29 Feb 1980', 'February 29th, 1980', '29-FEB-1980'; None when day, month and year are not all there."""
    words = re.findall(r"[a-z]+|\d+", plain(written))
    months = [_MONTHS.index(word[:3]) + 1 for word in words if word[:3] in _MONTHS]
    years = [word for word in words if word.isdigit() and len(word) == 4]
    days = [int(word) for word in words if word.isdigit() and len(word) <= 2]
    if not (len(months) == len(years) == 1 and days and words.index(years[0]) <= 3):
        return None
    return f"{years[0]}{months[0]:02d}{days[0]:02d}"


SPELLINGS: Final[dict[str, Callable[[str], str | None]]] = {
    "first_name": name,
    "last_name": name,
    "birth_date": birth_date,
    "street": street,
    "city": place,
    "postal_code": postal_code,
    "state": place,
    "email": email,
    "phone": phone,
    "loyalty_number": loyalty_number,
}
# The known attributes of a person, in the order in which they are compared and explained.
ATTRIBUTES: Final = tuple(SPELLINGS)
