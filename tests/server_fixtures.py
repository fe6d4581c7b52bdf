"""Real servers for tests, each started on first use, on free ports in a temporary folder, once per session."""

import asyncio
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from shopsphere_kit.settings import LakeSettings
from shopsphere_local import catalogue
from shopsphere_local.ports import Ports
from shopsphere_local.servers import kafka, mongo, postgres, redis
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from shopsphere_local.supervisor import Supervisor

T = TypeVar("T")
# The first start on a machine fetches Kafka's jars, 45 MB.
_START_SECONDS = 600


class ServerThread:
    """A supervisor in a thread of its own, which lives as long as the test session, as its children's parent must."""

    def __init__(self, root: Path) -> None:
        self.state, self.ports = State(root), Ports.free()
        self.state.prepare()
        self.passwords = self.state.credentials()
        self.cache = State(LocalSettings().state_dir).cache
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test-servers", daemon=True)
        self._thread.start()
        self.supervisor = Supervisor(self.state.run, catalogue.servers(self.state, self.ports, cache=self.cache))

    def start(self, name: str) -> None:
        """Start one server, or do nothing when it is up."""
        self._run(self.supervisor.start([name]))

    def close(self) -> None:
        """Stop every server."""
        self._run(self.supervisor.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)


@pytest.fixture(scope="session")
def local_servers() -> Iterator[ServerThread]:
    # Not under pytest's own temporary folder: as root PostgreSQL runs as another user, who may not pass there.
    with tempfile.TemporaryDirectory(prefix="shopsphere test ", ignore_cleanup_errors=True) as folder:
        servers = ServerThread(Path(folder))
        yield servers
        servers.close()


@pytest.fixture(scope="session")
def postgres_dsn(local_servers: ServerThread) -> str:
    """Address of the empty database `shop` on a PostgreSQL with logical replication; make your own databases in it."""
    local_servers.start("postgres")
    return postgres.dsn(local_servers.ports.postgres, local_servers.passwords.postgres_password)


@pytest.fixture(scope="session")
def mongo_uri(local_servers: ServerThread) -> str:
    """Connection string of a MongoDB peer with change streams; use a database of your own."""
    local_servers.start("mongo")
    return mongo.uri(local_servers.ports.mongo)


@pytest.fixture(scope="session")
def kafka_bootstrap(local_servers: ServerThread) -> str:
    """Address of a Kafka broker that has the platform's topics; topics are not made by using them."""
    local_servers.start("kafka")
    return kafka.bootstrap(local_servers.ports.kafka)


@pytest.fixture(scope="session")
def redis_url(local_servers: ServerThread) -> str:
    """Address, with password, of database 0 of a Redis."""
    local_servers.start("redis")
    return redis.url(local_servers.ports.redis, local_servers.passwords.redis_password)


@pytest.fixture
def lake_settings(tmp_path: Path) -> LakeSettings:
    """An empty catalog and warehouse of one test, in a folder whose name has a space on purpose."""
    lake = tmp_path / "the lake"
    (lake / "warehouse").mkdir(parents=True)
    return LakeSettings(catalog_uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}/warehouse")
