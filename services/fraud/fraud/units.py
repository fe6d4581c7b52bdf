"""Times and money as the integers that fraud computes with."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# After every moment there will be; fits 64 bits.
END_OF_TIME_MS = 2**62
# Amounts are US dollars throughout the data; cents are the minor unit (ISO 4217).
MINOR_DIGITS = 2


def epoch_ms(moment: datetime) -> int:
    """Convert an aware datetime to epoch milliseconds, rounded towards minus infinity, in integer arithmetic."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def rfc3339(moment_ms: int) -> str:
    """Write epoch milliseconds as RFC 3339 in UTC."""
    moment = EPOCH + timedelta(milliseconds=moment_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def minor_units(amount: Decimal) -> int:
    """Convert a decimal amount to minor units; raises ValueError when it does not fit them exactly."""
    scaled = amount.scaleb(MINOR_DIGITS)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"an amount has at most {MINOR_DIGITS} decimal places")
    return int(scaled)
