"""A Redis process of a test's own, with every write on disk before it is acknowledged, that can be killed."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from inventory import library
from inventory.redis_store import RedisStockStore
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from shopsphere_kit.waiting import wait_until
from shopsphere_local.ports import Ports
from shopsphere_local.servers import redis as redis_server

_PASSWORD = "histories"
_START_SECONDS = 30


class RedisProcess:
    """One Redis on one folder, which may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        port = Ports.free().redis
        self.url = redis_server.url(port, _PASSWORD)
        self._spec = redis_server.spec(data=folder / "redis", log=folder / "redis.log", port=port, password=_PASSWORD)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it has read its log of writes."""
        assert self._spec.prepare
        self._spec.prepare()
        self._process = subprocess.Popen(self._spec.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, deadline_seconds=_START_SECONDS, what="Redis", poll_seconds=0.01)

    def kill(self) -> None:
        """kill -9."""
        if self._process:
            self._process.kill()
            self._process.wait()

    async def kill_and_restart(self) -> None:
        """The same from beside running clients."""
        await asyncio.to_thread(self.kill)
        await asyncio.to_thread(self.start)

    def answers(self) -> bool:
        """True when it serves."""
        with Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False


@contextmanager
def a_redis(folder: Path) -> Iterator[RedisProcess]:
    """A running one, gone at the end whatever happens."""
    process = RedisProcess(folder)
    try:
        process.start()
        yield process
    finally:
        process.kill()


@asynccontextmanager
async def connected(url: str, count: int) -> AsyncIterator[list[RedisStockStore]]:
    """So many stores on one empty database, each with a connection of its own that tries each call once."""
    async with AsyncExitStack() as stack:
        clients = [AsyncRedis.from_url(url, retry=Retry(NoBackoff(), 0)) for _ in range(count)]
        for client in clients:
            stack.push_async_callback(client.aclose)
        await clients[0].flushdb()
        await library.load(clients[0])
        yield [await RedisStockStore.open(client) for client in clients]
