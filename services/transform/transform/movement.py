"""Stock movements: a record's bytes as a movement, or why it is none. The one rule of stock, shared with the inventory.

The inventory service applies the same rule to the same bytes before it counts a movement; both pass the cases of
`tests/stock_cases.py`. Pure.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.events import StockMovement, decode_event

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
UNITS_MAX = 1_000_000_000
FIRST, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_NEVER_POSITIVE, _NEVER_NEGATIVE = {"sale"}, {"return", "receipt", "count"}


@dataclass(frozen=True)
class Fault:
    """The check that a record fails, the field, and what is wrong; never a value."""

    check: str
    column: str
    reason: str


def read(value: bytes | None) -> StockMovement | Fault:
    """The movement that the bytes are, or the first thing that is wrong with them."""
    try:
        movement = decode_event(value, StockMovement)
    except InvalidArgument as error:
        field = error.field or "value"
        return Fault(error.reason, field, f"{field} is missing or is not of its type")
    except (RecursionError, ValueError):
        return Fault("not_json", "value", "the value is not JSON")
    return _fault(movement) or movement


def _fault(movement: StockMovement) -> Fault | None:
    for name, text in (("sku", movement.sku), ("location", movement.location)):
        if not NAME.fullmatch(text):
            return Fault("name", name, f"{name} is not 1 to 64 letters, digits, dots, dashes and underscores")
    if abs(movement.quantity) > UNITS_MAX:
        return Fault("plausible", "quantity", f"quantity is over {UNITS_MAX} units")
    if (movement.quantity > 0 and movement.type in _NEVER_POSITIVE) or (
        movement.quantity < 0 and movement.type in _NEVER_NEGATIVE
    ):
        return Fault("sign", "quantity", "the sign of quantity contradicts the type")
    if not FIRST <= movement.occurred_at < END:
        return Fault("plausible", "occurred_at", "occurred_at is not in the years 1970 to 2199")
    return None
