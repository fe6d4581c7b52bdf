"""Sequences of events: numbers, or timestamps as text. They compare exactly, timestamps as moments."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from transform.exact_json import as_written

NUMBER, TIMESTAMP = "number", "timestamp"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = r"(?:[.,](?P<fraction>\d+))?"
_ZONE = r" ?(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
# ISO 8601 in its extended form, or in its basic one; eight digits alone are as likely a number.
_EXTENDED = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:[Tt ](?P<time>\d{2}(?::\d{2}(?::\d{2}" + _FRACTION + r")?)?)" + _ZONE + ")?"
)
_BASIC = re.compile(r"(?P<date>\d{8})[Tt](?P<time>\d{2}(?:\d{2}(?:\d{2}" + _FRACTION + r")?)?)" + _ZONE)


@dataclass(frozen=True)
class Place:
    """A place in the order of events; `value` compares, `spelling` is the JSON text that it came in."""

    kind: str
    value: Decimal | int | Fraction
    spelling: str


def sequence_of(value: object) -> Place | None:
    """The sequence that a JSON value names; None when it is neither a number nor a timestamp."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Place(NUMBER, value, as_written(value))
    moment = _moment(value) if isinstance(value, str) else None
    return None if moment is None else Place(TIMESTAMP, moment, as_written(value))


def _moment(text: str) -> Fraction | None:
    """Seconds since 1970, exactly; a time without a zone is UTC."""
    found = _EXTENDED.fullmatch(text.strip()) or _BASIC.fullmatch(text.strip())
    if found is None:
        return None
    zone = (found["zone"] or "Z").upper().replace("UTC", "Z").replace("GMT", "Z")
    try:
        whole = datetime.fromisoformat(f"{found['date']}T{found['time'] or '00'}{zone}")
        since = whole.replace(microsecond=0) - _EPOCH
    except (ValueError, OverflowError):
        return None
    digits = found["fraction"] or "0"
    return since.days * 86_400 + since.seconds + Fraction(int(digits), 10 ** len(digits))
