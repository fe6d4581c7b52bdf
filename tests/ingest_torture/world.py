"""A source under torture: what changes it, what ingest needs to find it, and what must be in bronze in the end."""

import hashlib
import random
import threading
from typing import Protocol

from ingest.settings import Settings
from shopsphere_kit.settings import LakeSettings

# Between two changes the writer lets others run; it makes some hundred changes a second.
PAUSE_SECONDS = 0.005


class World(Protocol):
    """One source of one run, and everything that was done to it."""

    def variables(self) -> dict[str, str]:
        """The environment variables of ingest that name it."""
        ...

    def settings(self, lake: LakeSettings) -> Settings:
        """The same for this process."""
        ...

    def change(self, chance: random.Random) -> None:
        """Make a few changes, and remember them once the source has confirmed them."""
        ...

    def grow(self) -> None:
        """Add what must be noticed while ingest runs: a table with rows, a partition."""
        ...

    def release(self) -> None:
        """Let the server forget a reader that hangs, as it does by itself after some time."""
        ...

    def problems(self, lake: LakeSettings) -> list[str]:
        """What is lost, twice or wrong in bronze, in words."""
        ...


def hashed(*values: object) -> str:
    """A payload's hash."""
    return hashlib.sha256(repr(values).encode()).hexdigest()


class Writer(threading.Thread):
    """Changes a world until told to stop; what failed in it is raised when it is joined."""

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(name="writer", daemon=True)
        self._world, self._chance = world, chance
        self._stopping, self._growing = threading.Event(), threading.Event()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Change and grow."""
        try:
            while not self._stopping.wait(PAUSE_SECONDS):
                self._world.change(self._chance)
                if self._growing.is_set():
                    self._growing.clear()
                    self._world.grow()
        except BaseException as error:
            self._error = error

    def grow(self) -> None:
        """Ask for growth, which happens between two changes."""
        self._growing.set()

    def finish(self) -> None:
        """Stop changing."""
        self._stopping.set()
        self.join()
        if self._error is not None:
            raise AssertionError("the writer failed") from self._error
