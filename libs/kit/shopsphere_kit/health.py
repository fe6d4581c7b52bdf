"""Readiness: named checks that say whether a process can serve."""

import asyncio
from collections.abc import Awaitable, Callable

from shopsphere_kit.errors import ShopSphereError

# A probe that hangs is a probe that failed; orchestrators ask every few seconds.
CHECK_TIMEOUT_SECONDS = 2.0

Check = Callable[[], Awaitable[None]]


class Readiness:
    """The checks of one process; a check raises when the thing it looks at is away."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Register a check under the name that /readyz shows."""
        self._checks[name] = check

    async def run(self) -> dict[str, str]:
        """Run all checks together: name → "ok", or the class and the reason of what went wrong."""
        outcomes = await asyncio.gather(*(self._outcome(check) for check in self._checks.values()))
        return dict(zip(self._checks, outcomes, strict=True))

    @staticmethod
    async def _outcome(check: Check) -> str:
        try:
            await asyncio.wait_for(check(), CHECK_TIMEOUT_SECONDS)
        except ShopSphereError as error:
            return f"{type(error).__name__}: {error.reason}"
        except Exception as error:  # noqa: BLE001 - a probe reports any failure and never raises itself
            return type(error).__name__
        return "ok"
