"""A world, a lake and the children that bring one into the other, with a writer that never rests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ingest_builders import environment
from ingest_torture import chance as chances
from ingest_torture import lake_verdict
from ingest_torture.catching_up import catch_up
from ingest_torture.children import NO_FAULTS, Child, NurseryProcess, plain
from ingest_torture.faults import Faults
from ingest_torture.kafka_world import kafka_world
from ingest_torture.lake_verdict import a_lake
from ingest_torture.mongo_world import mongo_world
from ingest_torture.postgres_world import postgres_world
from ingest_torture.servers import Addresses
from ingest_torture.world import World, Writer

SOURCES = ("postgres", "mongo", "kafka")
# Commits as often as a busy ingest makes them, and of so few rows that large transactions and copies have several.
PACE = {"INGEST_BATCH_SECONDS": "0.1", "INGEST_BATCH_ROWS": "1000", "INGEST_REST_PORT": "0"}


def a_world(source: str, servers: Addresses) -> AbstractContextManager[World]:
    """A new world of that source."""
    made: dict[str, Callable[[], AbstractContextManager[World]]] = {
        "postgres": lambda: postgres_world(servers.postgres),
        "mongo": lambda: mongo_world(servers.mongo),
        "kafka": lambda: kafka_world(servers.kafka),
    }
    return made[source]()


class Scene:
    """One world while it changes."""

    def __init__(self, world: World, folder: Path, nursery: NurseryProcess, writer: Writer) -> None:
        self.world, self._folder, self._nursery, self._writer = world, folder, nursery, writer
        self.lake = a_lake(folder)
        self._children: list[Child] = []

    def start(self, faults: Faults = NO_FAULTS) -> Child:
        """One more child."""
        child = self._nursery.start(self._variables, self._new_log(), faults)
        self._children.append(child)
        return child

    def grow(self) -> None:
        """Let the world grow."""
        self._writer.grow()

    def start_plain(self) -> Child:
        """The command as an operator starts it."""
        child = plain(self._variables, self._new_log())
        self._children.append(child)
        return child

    def problems(self, *, plainly: bool = False) -> list[str]:
        """Stop the writer, let a last child catch up and stop it; returns what is wrong then, in words."""
        self._writer.finish()
        self.kill_all()
        child = self.start_plain() if plainly else self.start()
        catch_up(self.world.settings(self.lake), alive=lambda: child.alive, story=lambda: child.tail)
        code = child.terminate()
        stopped = [] if code == 0 else [f"SIGTERM ended it with {code}:\n{child.tail}"]
        return [*stopped, *lake_verdict.problems(self.lake), *self.world.problems(self.lake)]

    def kill_all(self) -> None:
        """Leave no child behind."""
        for child in self._children:
            child.kill()

    @property
    def _variables(self) -> dict[str, str]:
        return environment(self.lake, **self.world.variables(), **PACE)

    def _new_log(self) -> Path:
        return self._folder / f"child-{len(self._children)}.log"


@contextmanager
def a_scene(source: str, seed: int, servers: Addresses, nursery: NurseryProcess, folder: Path) -> Iterator[Scene]:
    """A scene in a new folder; its writer is at work."""
    with a_world(source, servers) as world:
        writer = Writer(world, chances.stream(seed, source, "writer"))
        scene = Scene(world, folder, nursery, writer)
        writer.start()
        try:
            yield scene
        finally:
            scene.kill_all()
            writer.finish()
