"""Days of Online Retail as increments: shuffled, delivered again, interrupted; and the same days at once.

`ONLINE_RETAIL_DAYS=200 ONLINE_RETAIL_INCREMENTS=200` replays all days that there are one by one, `SEED=` in another
order. As an operator would, maintenance goes over the lake now and then.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import retail_builders as retail
from bronze_builders import at
from file_builders import CrashError, crashing_at
from ingest import sink
from shopsphere_kit.clock import Clock, ManualClock, SystemClock
from shopsphere_kit.lake import latest_release
from shopsphere_kit.settings import LakeSettings
from transform import jobs, release
from transform.maintenance import maintain
from transform.storage import Lake
from transform.upkeep import Limits

Run = Callable[[Lake, Clock], object]
SEED = int(os.environ.get("SEED", "20101201"))
INCREMENTS = int(os.environ.get("ONLINE_RETAIL_INCREMENTS", "2"))
# Where an increment is interrupted: in ingest with a file staged or committed, in the run before or after the release.
STAGED, COMMITTED, BUILT, PUBLISHED = sink.STAGED, sink.COMMITTED, "built", "published"
# A shop that runs every hour and maintains its lake once a day does it after as many runs.
MAINTAINED_EVERY = 24
INTERRUPTIONS = (STAGED, PUBLISHED, None, COMMITTED, BUILT, None)


@dataclass(frozen=True)
class Increment:
    """Files that come, files that came before and come again under another name, and where it is interrupted."""

    files: tuple[Path, ...]
    again: tuple[Path, ...] = ()
    interruption: str | None = None


def plan(files: list[Path], increments: int, seed: int) -> list[Increment]:
    """The files in a random order, cut into so many increments, each of which brings an older file again."""
    chance = Random(seed)  # noqa: S311 - a test's order, no secret
    shuffled = chance.sample(files, len(files))
    parts = [tuple(shuffled[number::increments]) for number in range(increments)]
    return [
        Increment(part, tuple(chance.sample(parts[number - 1], 1)) if number else (), _interruption(number))
        for number, part in enumerate(parts)
    ]


def _interruption(number: int) -> str | None:
    return INTERRUPTIONS[number % len(INTERRUPTIONS)]


@dataclass
class Replay:
    """One lake that increments come into."""

    lake: Lake
    settings: LakeSettings
    run: Run = jobs.run
    runs: int = 0

    def take(self, increment: Increment) -> None:
        """Load and build, once more after the interruption."""
        self._load(increment)
        if increment.interruption in {BUILT, PUBLISHED}:
            with pytest.raises(CrashError), _interrupted(increment.interruption):
                self._build()
        if increment.interruption != PUBLISHED:
            self._build()

    def _load(self, increment: Increment) -> None:
        if increment.interruption in {STAGED, COMMITTED}:
            with suppress(CrashError):
                retail.load(self.settings, increment.files, fault=crashing_at(increment.interruption, 0))
        retail.load(self.settings, increment.files)
        assert retail.load(self.settings, increment.files).rows == 0
        if increment.again:
            assert retail.load(self.settings, increment.again, prefix=f"again {self.runs}/").rows > 0

    def _build(self) -> None:
        self.runs += 1
        self.run(self.lake, ManualClock(at(30) + timedelta(hours=self.runs)))
        if self.runs % MAINTAINED_EVERY == 0:
            report = maintain(self.lake.catalog, lambda: nullcontext(self.lake), Limits(), SystemClock())
            assert report.failures == {}

    def hashes(self) -> dict[str, str]:
        """The content hash of every table of the newest release."""
        newest = latest_release(self.lake.catalog)
        assert newest is not None
        return jobs.hashes(self.lake, newest)


@contextmanager
def _interrupted(where: str) -> Iterator[None]:
    append = release.append

    def interrupted(*given: object) -> None:
        if where == PUBLISHED:
            append(*given)  # type: ignore[arg-type]
        raise CrashError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "append", interrupted)
        yield
