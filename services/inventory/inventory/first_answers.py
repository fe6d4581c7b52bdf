"""The first answer to each key, in this process's memory, for the store in memory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from inventory.errors import IdempotencyKeyReused
from inventory.store import Decision, Once, Outcome


class FirstAnswers:
    """Remembers for a while what was decided under which slot, and for which request."""

    def __init__(self, kept_for: timedelta) -> None:
        self._kept_for = kept_for
        self._answers: dict[str, tuple[str, Decision]] = {}

    def of(self, once: Once, now: datetime, decide: Callable[[datetime], Outcome], epoch: int) -> Decision:
        """The first answer again, or the one that is decided now; raises IdempotencyKeyReused."""
        fingerprint, first = self._answers.get(once.slot, ("", None))
        if first and now < first.as_of + self._kept_for:
            if fingerprint != once.fingerprint:
                raise IdempotencyKeyReused.of_request()
            return replace(first, is_replay=True)
        decision = Decision(now, decide(now), epoch=epoch)
        self._answers[once.slot] = (once.fingerprint, decision)
        return decision
