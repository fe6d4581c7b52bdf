"""What a seed decides to do (pure): which rows come with which batch, in which order, and what happens in between.

A row draws its batch for itself, so that a case with fewer histories is the same case for those that are left.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ingest_torture.chance import stream
from transform_torture.delivery import Delivery
from transform_torture.faults import POINTS
from transform_torture.histories import history, truncates

# How rows arrive: as they were written; most of them, and the others any time; in any order; backwards.
_ARRIVALS = ("in order", "some late", "some late", "shuffled", "shuffled", "backwards")
_LATE = 0.25
# A full run passes a point once for each table; an incremental one less often, and then nothing happens.
_PASSES = 16


@dataclass(frozen=True)
class Deliver:
    """A batch arrives."""

    batch: int


@dataclass(frozen=True)
class Run:
    """A run to its end."""


@dataclass(frozen=True)
class Die:
    """A run that dies at its n-th pass of a point; from there on it changes nothing any more."""

    point: str
    nth: int


@dataclass(frozen=True)
class Overlap:
    """A run in the midst of which, at its n-th pass of a point, another one runs from start to end."""

    point: str
    nth: int


@dataclass(frozen=True)
class Kill:
    """`python -m transform run`, killed -9 with its Java after so many commits to the catalog."""

    commits: int


@dataclass(frozen=True)
class Rollback:
    """Back to the release before."""


@dataclass(frozen=True)
class Maintain:
    """Maintenance of all tables, with so many seconds to begin in."""

    seconds: float = 20.0


Step = Deliver | Run | Die | Overlap | Kill | Rollback | Maintain


@dataclass(frozen=True)
class Case:
    """One lake: its seed, the histories in it, and how much of what the seed decides is done."""

    seed: int
    histories: tuple[int, ...]
    batches: int = 0
    """How many batches, 0: as many as the seed says."""
    calm: bool = False
    """Batches and runs alone: nothing dies, overlaps, is rolled back or maintained."""
    kills: bool = True
    rebuilt: bool = True
    """Whether the lake is rebuilt in the end as well; the same rows are in any case built in a new lake."""
    brief: bool = False
    """The shortest case in which something dies: a release, a batch whose first run dies, and a second run."""

    def deliveries(self) -> list[Delivery]:
        """Every row, in the order of its source."""
        made = [one for number in self.histories for one in history(self.seed, number)]
        return sorted([*made, *truncates(self.seed)], key=lambda one: (one.table, one.progress))

    def batch_count(self) -> int:
        """The number of batches."""
        return 2 if self.brief else self.batches or stream(self.seed, "batches").randrange(2, 5)

    def batches_of_rows(self) -> list[list[Delivery]]:
        """The rows of each batch, in the order in which they arrive."""
        how = stream(self.seed, "arrival").choice(_ARRIVALS)
        count = self.batch_count()
        batches: list[list[Delivery]] = [[] for _ in range(count)]
        draws = {number: stream(self.seed, "arrives", number) for number in {one.history for one in self.deliveries()}}
        for one in self.deliveries():
            batches[min(count - 1, int(_when(one, how, draws[one.history]) * count))].append(one)
        for number, batch in enumerate(batches):
            stream(self.seed, "within", number).shuffle(batch)
        return batches

    def steps(self) -> Iterator[Step]:
        """What is done, one after the other; at the end everything has arrived and a run has gone to its end."""
        chance = stream(self.seed, "steps")
        if self.brief:
            yield from (Deliver(0), Run(), Deliver(1), Die(chance.choice(POINTS), chance.randrange(1, _PASSES)), Run())
            return
        for batch in range(self.batch_count()):
            yield Deliver(batch)
            # A calm case draws the same numbers.
            yield from (step for step in self._between(chance) if not self.calm or isinstance(step, Run))
        yield Run()

    def _between(self, chance: random.Random) -> list[Step]:
        point, nth = chance.choice(POINTS), chance.randrange(1, _PASSES)
        steps: list[Step] = []
        if chance.random() < 0.15 and self.kills:
            steps.append(Kill(chance.randrange(1, 90)))
        elif chance.random() < 0.75:
            steps.append(Die(point, nth))
        steps.append(Overlap(chance.choice(POINTS), nth) if chance.random() < 0.3 else Run())
        if chance.random() < 0.25:
            steps.append(Rollback())
        if chance.random() < 0.08:
            steps.append(Maintain())
        return steps

    def only(self, *histories: int) -> "Case":
        """The same with fewer histories."""
        return replace(self, histories=histories)


def _when(one: Delivery, how: str, chance: random.Random) -> float:
    drawn, is_late = chance.random(), chance.random() < _LATE
    if how == "backwards":
        return 1 - one.progress
    return drawn if how == "shuffled" or (how == "some late" and is_late) else one.progress
