"""A circuit breaker: what has just failed is left alone for a while, so that callers do not wait for it in turn."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shopsphere_kit.clock import Clock


@dataclass
class Breaker:
    """Open for `pause` after a failure; then one caller tries, and the others are admitted once that succeeds."""

    clock: Clock
    pause: timedelta
    _failed_at: datetime | None = None

    def admits(self) -> bool:
        """Whether to call now; the one whom an open breaker admits stands for everybody until `pause` is over again."""
        if self._failed_at is None:
            return True
        # A clock that was set back must not keep the breaker open.
        if timedelta() <= self.clock.now() - self._failed_at < self.pause:
            return False
        self._failed_at = self.clock.now()
        return True

    def succeeded(self) -> None:
        """Close: everybody is admitted."""
        self._failed_at = None

    def failed(self) -> None:
        """Open for `pause` from now on."""
        self._failed_at = self.clock.now()
