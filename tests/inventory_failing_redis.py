"""A Redis of one test alone, which may be stopped, starved, made a replica or given an older copy of its data."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from redis.exceptions import BusyLoadingError, RedisError
from shopsphere_kit.waiting import wait_until
from shopsphere_local.ports import Ports
from shopsphere_local.servers import redis as redis_server

PASSWORD = "only-here"


class OwnRedis:
    """A server process over a folder; `options` are appended to its configuration at each start."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "redis"
        self.port = Ports.free().redis
        self.url = redis_server.url(self.port, PASSWORD)
        self._spec = redis_server.spec(data=self.data, log=folder / "redis.log", port=self.port, password=PASSWORD)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **options: str) -> None:
        """Return when it answers, be it that it is still loading."""
        assert self._spec.prepare
        self._spec.prepare()
        with (self.data / "redis.conf").open("a") as configuration:
            configuration.writelines(f"{name.replace('_', '-')} {value}\n" for name, value in options.items())
        with self._spec.log.open("ab") as log:
            self._process = subprocess.Popen(self._spec.argv, env=dict(self._spec.env), stdout=log, stderr=log)
        wait_until(self._answers, deadline_seconds=30, what="Redis")

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> "redis.Redis":
        """A connection for the test's own doings."""
        return redis.Redis.from_url(self.url)

    def keep_copy(self, name: str) -> None:
        """Copy the data of a server that does not run."""
        shutil.copytree(self.data / "appendonlydir", self.data.parent / name)

    def put_back(self, name: str) -> None:
        """Give it that copy instead of what it has."""
        shutil.rmtree(self.data / "appendonlydir")
        shutil.copytree(self.data.parent / name, self.data / "appendonlydir")

    def _answers(self) -> bool:
        with suppress(RedisError), self.client() as client:
            try:
                return bool(client.ping())
            except BusyLoadingError:
                return True
        return False


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()
