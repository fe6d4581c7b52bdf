"""JSON read exactly and written in one spelling, so that values are equal when their texts are.

Numbers keep all digits and compare by value (1, 1.0 and 1e0 are one number, and none of them is true); the members of
an object have no order. Text that is no JSON by RFC 8259, NaN for one, raises ValueError.
"""

import json
from decimal import Decimal
from typing import NoReturn

# Beyond this many zeros a number is written with an exponent: 1e999999999 is a line of ten characters.
_ZEROS_MAX = 30


def parsed(text: str) -> object:
    """The value of a JSON text; a fraction is a Decimal. Raises ValueError."""
    try:
        value: object = json.loads(text, parse_float=_decimal, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError("a number is out of range")
    return value


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value")


def canonical(value: object) -> str:
    """The one spelling of a parsed value, in ASCII."""
    if isinstance(value, bool | str) or value is None:
        return json.dumps(value)
    if isinstance(value, int | Decimal):
        return _number(Decimal(value))
    if isinstance(value, list):
        return f"[{', '.join(map(canonical, value))}]"
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}: {canonical(value[name])}" for name in sorted(value))
        return f"{{{', '.join(members)}}}"
    raise TypeError(f"{type(value).__name__} does not come from JSON")


def as_written(value: object) -> str:
    """A number in the digits it came in, any other value in its one spelling."""
    return str(value) if isinstance(value, Decimal) else canonical(value)


def _number(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    shortest = "".join(map(str, digits)).rstrip("0") or "0"
    zeros = int(exponent) + len(digits) - len(shortest)
    if shortest == "0":
        return "0"
    minus = "-" if sign else ""
    if 0 <= zeros <= _ZEROS_MAX:
        return f"{minus}{shortest}{'0' * zeros}"
    if -_ZEROS_MAX <= zeros < 0:
        return f"{minus}{Decimal(f'{shortest}E{zeros}'):f}"
    return f"{minus}{shortest}e{zeros}"
