"""Kill -9 at random moments, and a kill at every point of the commit."""

import random
import signal
import threading

from ingest.sink import STAGED
from ingest_torture.children import Child
from ingest_torture.faults import KILLED, POINTS, STOP, Faults
from ingest_torture.scene import Scene

COMMITTED_LINE = '"committed"'
# How often the world grows: a table to copy, a partition to notice.
GROWS_EVERY = 4


def kill(scene: Scene, chance: random.Random, number: int) -> None:
    """Start a child, wait for a random moment, and kill it."""
    if number % GROWS_EVERY == 1:
        scene.grow()
    child = scene.start()
    _moment(child, chance)
    assert child.alive, f"ended by itself:\n{child.tail}"
    child.kill()


def _moment(child: Child, chance: random.Random) -> None:
    """Somewhere while it starts, after some line of its log (often in a copy), or between two of its commits."""
    drawn = chance.random()
    if drawn < 0.3:
        _pause(chance.uniform(0, 0.6))
    elif drawn < 0.6:
        lines = chance.randint(1, 8)
        child.wait_until(lambda: len(child.lines) >= lines, f"{lines} lines of log")
        _pause(chance.uniform(0, 0.05))
    else:
        child.wait_until(lambda: child.says(COMMITTED_LINE), "a commit")
        _pause(chance.uniform(0, 1))


def _pause(seconds: float) -> None:
    # Not a wait for anything to happen: the moment itself is what is random.
    threading.Event().wait(seconds)


def die_at_every_point(scene: Scene, chance: random.Random) -> None:
    """One child after the other dies at the next point of the commit, at its first to third pass of it."""
    for point in POINTS:
        child = scene.start(Faults(point, times=chance.randint(1, 3)))
        code = child.wait()
        assert code == KILLED, f"was to die at {point}, ended with {code}:\n{child.tail}"


def zombie(scene: Scene, chance: random.Random) -> None:
    """A writer that was stopped with a batch in its hands goes on when another one has taken over."""
    stale = scene.start(Faults(STAGED, times=chance.randint(2, 4), action=STOP))
    stale.wait_until(lambda: stale.stopped, "a child that hangs")
    scene.world.release()
    second = scene.start()
    second.wait_until(lambda: sum(COMMITTED_LINE in line for line in second.lines) > 8, "commits of the second")
    stale.signal(signal.SIGCONT)
    code = stale.wait()
    assert code == 4, f"a stale writer ended with {code}:\n{stale.tail}"
    assert stale.says("writer_fenced"), stale.tail
    assert stale.says("another ingest writes the same tables"), stale.tail
    assert second.alive, second.tail
    second.kill()


def lose_answers(scene: Scene, chance: random.Random, commits: int) -> None:
    """The catalog's answers get lost at random, before and after the commit took effect, while ingest runs."""
    child = scene.start(Faults(catalog_seed=chance.randrange(2**32)))
    scene.grow()
    child.wait_until(lambda: sum("commit not confirmed" in line for line in child.lines) >= commits, "lost answers")
    child.kill()
