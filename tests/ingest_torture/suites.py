"""The suites as functions of a seed: each returns what it found wrong, in words, whatever broke on the way."""

import random
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ingest_torture import chance as chances
from ingest_torture import kills
from ingest_torture.children import NurseryProcess
from ingest_torture.scene import Scene, a_scene
from ingest_torture.servers import Addresses
from ingest_torture.workload_run import Run

# Kills after which a new world begins: a table of ten thousand commits makes each commit slow, and a copy comes anew.
KILLS_PER_WORLD = 25
LOST_ANSWERS = 8
Progress = Callable[[int], None]
Play = Callable[[Scene, random.Random], None]


class Suites:
    """All suites over one set of servers; every run gets a folder of its own."""

    def __init__(self, addresses: Addresses, nursery: NurseryProcess, folder: Path) -> None:
        self._addresses, self._nursery, self._folder = addresses, nursery, folder
        self._runs = 0

    def kills(self, source: str, seed: int, count: int, progress: Progress = lambda _: None) -> list[str]:
        """So many kills -9 at random moments, a new world after every KILLS_PER_WORLD."""
        for first in range(0, count, KILLS_PER_WORLD):
            last = min(count, first + KILLS_PER_WORLD)
            play = partial(_kills, first=first, last=last, progress=progress)
            if found := self._in_a_scene(source, seed, first, play, plainly=last == count):
                return found
        return []

    def faults(self, source: str, seed: int) -> list[str]:
        """The three below, one after the other in one world, which is quicker."""
        return self._in_a_scene(source, seed, "faults", _faults)

    def fault_points(self, source: str, seed: int) -> list[str]:
        """One kill between every two steps of the commit."""
        return self._in_a_scene(source, seed, "points", kills.die_at_every_point)

    def zombie(self, source: str, seed: int) -> list[str]:
        """A stale writer that wakes up."""
        return self._in_a_scene(source, seed, "zombie", kills.zombie)

    def lost_answers(self, source: str, seed: int) -> list[str]:
        """A catalog whose answers get lost before and after the commit took effect."""
        return self._in_a_scene(source, seed, "answers", partial(kills.lose_answers, commits=LOST_ANSWERS))

    def workload(self, seed: int) -> list[str]:
        """One seed of the workload."""
        try:
            return Run(seed, self._addresses.postgres, self._new_folder(), self._nursery).problems()
        except Exception:
            return [traceback.format_exc()]

    def _in_a_scene(self, source: str, seed: int, part: object, play: Play, *, plainly: bool = False) -> list[str]:
        chance = chances.stream(seed, source, part)
        try:
            with a_scene(source, chance.randrange(2**32), self._addresses, self._nursery, self._new_folder()) as scene:
                play(scene, chance)
                return scene.problems(plainly=plainly)
        except Exception:
            return [traceback.format_exc()]

    def _new_folder(self) -> Path:
        self._runs += 1
        return self._folder / f"run-{self._runs}"


def _kills(scene: Scene, chance: random.Random, *, first: int, last: int, progress: Progress) -> None:
    for number in range(first, last):
        kills.kill(scene, chance, number)
        progress(number + 1)


def _faults(scene: Scene, chance: random.Random) -> None:
    kills.die_at_every_point(scene, chance)
    kills.zombie(scene, chance)
    kills.lose_answers(scene, chance, LOST_ANSWERS)
