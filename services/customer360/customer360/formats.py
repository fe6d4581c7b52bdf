"""How the dashboard writes amounts, numbers, times and names."""

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
THOUSAND = Decimal(1000)
MINUS = "\N{MINUS SIGN}"
# Words that a source writes in capitals and people do too.
ABBREVIATIONS = frozenset({"GM", "HBC", "RX", "DVD", "TV"})


def money(amount: Decimal) -> str:
    """ "$1,234.50"; a negative amount carries a real minus sign."""
    text = f"${abs(amount).quantize(CENT, ROUND_HALF_EVEN):,}"
    return MINUS + text if amount < 0 else text


def money_short(amount: Decimal) -> str:
    """ "$12.4k", "$3.1M", "$840": for axes and small places."""
    sign, size = MINUS if amount < 0 else "", abs(amount)
    for unit, name in ((THOUSAND**2, "M"), (THOUSAND, "k")):
        if size >= unit:
            value = (size / unit).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
            return f"{sign}${value.normalize():f}{name}" if value < THOUSAND else f"{sign}${value:,.0f}{name}"
    return f"{sign}${size.quantize(Decimal(1), ROUND_HALF_EVEN):,}"


def integer(number: int) -> str:
    """ "12,345"."""
    return f"{number:,}".replace("-", MINUS)


def percent(part: Decimal | int, whole: Decimal | int) -> str:
    """ "37 %" of the whole; a dash when there is no whole."""
    if not whole:
        return "–"
    share = Decimal(100) * Decimal(part) / Decimal(whole)
    if 0 < share < 1:
        return "<1 %"
    return f"{share.quantize(Decimal(1), ROUND_HALF_EVEN)} %".replace("-", MINUS)


def change(now: Decimal | int, before: Decimal | int) -> str:
    """ "+4.2 %" against an earlier value; empty when there was nothing."""
    if not before:
        return ""
    share = (Decimal(100) * (Decimal(now) - Decimal(before)) / Decimal(before)).quantize(Decimal("0.1"))
    return f"{'+' if share >= 0 else MINUS}{abs(share)} %"


def day(value: date) -> str:
    """ "3 Mar 2017"."""
    return f"{value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """ "3 Mar"."""
    return f"{value.day} {value:%b}"


def clock(value: datetime) -> str:
    """ "14:05", in UTC as every time of the platform."""
    return f"{value:%H:%M}"


def month(value: date) -> str:
    """ "March 2017"."""
    return f"{value:%B %Y}"


def moment(value: datetime) -> str:
    """ "3 Mar 2017, 14:05 UTC"."""
    return f"{day(value)}, {value:%H:%M} UTC"


def label(text: str) -> str:
    """ "SOFT DRINKS" → "Soft drinks", "profile_changed" → "Profile changed"; other spellings stay."""
    spaced = text.replace("_", " ")
    if spaced.upper() == spaced:
        spaced = " ".join(word if word in ABBREVIATIONS else word.lower() for word in spaced.split())
    return spaced[:1].upper() + spaced[1:]


FILTERS = {
    "money": money,
    "money_short": money_short,
    "integer": integer,
    "day": day,
    "short_day": short_day,
    "clock": clock,
    "month": month,
    "moment": moment,
    "label": label,
}
