"""The change feed of a real process over a real Redis: what another process changes is told, and a stop ends it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from inventory.redis_store import RedisStockStore
from inventory.scopes import AVAILABILITY_READ
from inventory_builders import stocked
from inventory_following import GrpcFollower, changes, cursor_alone, follow_events
from inventory_redis import empty_redis, inventory_url
from shopsphere.inventory.v1 import inventory_pb2 as pb
from shopsphere.inventory.v1 import inventory_pb2_grpc as pb_grpc
from shopsphere_kit.auth import DevKey
from shopsphere_kit.clock import SystemClock
from shopsphere_kit.settings import AuthSettings
from shopsphere_kit.waiting import await_until
from shopsphere_local.ports import Ports

pytestmark = pytest.mark.servers


class Served:
    """A process that serves both doors, and a token for it."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        key, jwks = DevKey.generate(), folder / "jwks.json"
        jwks.write_text(key.jwks())
        ports, auth = Ports.free(), AuthSettings(jwks_file=jwks)
        self.token = key.mint([AVAILABILITY_READ], settings=auth, now=SystemClock().now())
        self.rest = f"http://127.0.0.1:{ports.inventory_rest}"
        self.grpc = f"127.0.0.1:{ports.inventory_grpc}"
        environment = {
            **os.environ,
            "INVENTORY_REDIS_URL": inventory_url(redis_url),
            "INVENTORY_REST_PORT": str(ports.inventory_rest),
            "INVENTORY_GRPC_PORT": str(ports.inventory_grpc),
            "SHOPSPHERE_AUTH_JWKS_FILE": str(jwks),
            # Longer than this test waits: a stop that waited for the streams would be noticed.
            "SHOPSPHERE_HTTP_SHUTDOWN_GRACE_SECONDS": "60",
        }
        self.process = subprocess.Popen([sys.executable, "-m", "inventory", "serve"], env=environment)

    async def is_ready(self) -> bool:
        assert self.process.poll() is None, "the process ended by itself"
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.rest}/readyz")).is_success
        except httpx.TransportError:
            return False


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStockStore]:
    async with empty_redis(redis_url) as client:
        yield await RedisStockStore.open(client)


@pytest.fixture
def served(store: RedisStockStore, redis_url: str, tmp_path: Path) -> Iterator[Served]:
    # After the store, for a process refuses a data set that was emptied under it.
    process = Served(redis_url, tmp_path)
    yield process
    process.process.kill()
    process.process.wait()


async def test_followers_of_both_doors_are_told_until_the_process_stops(store: RedisStockStore, served: Served) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    await await_until(served.is_ready, deadline_seconds=30, what="the doors")
    async with (
        follow_events(served.rest, headers) as over_rest,
        grpc.aio.insecure_channel(served.grpc) as channel,
    ):
        stub = pb_grpc.InventoryServiceStub(channel)
        call = stub.Watch(pb.WatchRequest(), metadata=(("authorization", f"Bearer {served.token}"),))
        over_grpc = GrpcFollower(call)
        assert await cursor_alone(over_rest) == await cursor_alone(over_grpc) == f"{store.epoch}-0"
        for _ in range(3):
            await stocked(store, 1)
        told = await changes(over_rest, 3)
        assert told == await changes(over_grpc, 3)
        assert [(each["version"], each.get("is_low")) for each in told] == [(1, False), (2, None), (3, None)]
        served.process.terminate()
        async with asyncio.timeout(20):
            assert (await over_rest.next(), await over_grpc.next()) == (None, None)
    assert await asyncio.to_thread(served.process.wait, 20) == 0
