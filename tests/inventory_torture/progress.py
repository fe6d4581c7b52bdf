"""What a long run prints: how far it is, how fast it goes, and how long it still takes."""

import time

# A line is due so often.
TELL_SECONDS = 10.0


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


class Progress:
    """The lines of one part of a run."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total = name, total
        self._began = self._told = time.monotonic()

    def tell(self, done: int) -> None:
        """Say so, when a line is due or all is done."""
        now = time.monotonic()
        if done < self._total and now - self._told < TELL_SECONDS:
            return
        self._told = now
        per_second = done / max(0.001, now - self._began)
        left = (self._total - done) / per_second / 60
        say(f"{self._name}: {done} of {self._total}, {per_second:.1f} a second, {left:.1f} minutes left")
