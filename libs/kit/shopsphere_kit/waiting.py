"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

# Short enough that nobody notices, long enough that polling costs no core.
POLL_SECONDS = 0.05


def wait_until(
    condition: Callable[[], bool], *, deadline_seconds: float, what: str, poll_seconds: float = POLL_SECONDS
) -> None:
    """Return as soon as the condition holds; raise TimeoutError naming `what` when the deadline passes first."""
    deadline = time.monotonic() + deadline_seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {deadline_seconds:g} s for {what}")
        pause.wait(poll_seconds)


async def await_until(
    condition: Callable[[], Awaitable[bool]],
    *,
    deadline_seconds: float,
    what: str,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """The same for a coroutine condition."""
    deadline = time.monotonic() + deadline_seconds
    while not await condition():
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {deadline_seconds:g} s for {what}")
        await asyncio.sleep(poll_seconds)
