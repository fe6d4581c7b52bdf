"""The servers that a run needs, from the same supervisor as the tests'."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from server_fixtures import ServerThread
from shopsphere_local.servers import kafka, mongo, postgres


class Addresses(Protocol):
    """Where the servers are."""

    @property
    def postgres(self) -> str:
        """A PostgreSQL with logical replication."""
        ...

    @property
    def mongo(self) -> str:
        """A MongoDB peer with change streams."""
        ...

    @property
    def kafka(self) -> str:
        """A Kafka broker."""
        ...


class Servers:
    """Servers that start when their address is asked for."""

    def __init__(self, thread: ServerThread) -> None:
        self._thread = thread

    @property
    def postgres(self) -> str:
        """See Addresses."""
        self._thread.start("postgres")
        return postgres.dsn(self._thread.ports.postgres, self._thread.passwords.postgres_password)

    @property
    def mongo(self) -> str:
        """See Addresses."""
        self._thread.start("mongo")
        return mongo.uri(self._thread.ports.mongo)

    @property
    def kafka(self) -> str:
        """See Addresses."""
        self._thread.start("kafka")
        return kafka.bootstrap(self._thread.ports.kafka)


@contextmanager
def servers() -> Iterator[Servers]:
    """Servers for as long as they are needed, in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="shopsphere torture ", ignore_cleanup_errors=True) as folder:
        thread = ServerThread(Path(folder))
        try:
            yield Servers(thread)
        finally:
            thread.close()
