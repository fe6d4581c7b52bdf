"""A start, and readiness, look at what Redis promises of an acknowledged change."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
from inventory import durability
from inventory.durability import Durability
from inventory.errors import StockUnavailable
from inventory.settings import Settings
from inventory_failing_redis import OwnRedis, own_redis
from redis.asyncio import Redis

__all__ = ["own_redis"]

pytestmark = pytest.mark.servers

ALWAYS = {"appendonly": "yes", "appendfsync": "always"}
EVERY_SECOND = {"appendonly": "yes", "appendfsync": "everysec"}
WHENEVER = {"appendonly": "yes", "appendfsync": "no"}
NEVER = {"appendonly": "no", "appendfsync": "always"}


@pytest.fixture
async def client(own_redis: OwnRedis) -> AsyncIterator[Redis]:
    async with Redis.from_url(own_redis.url) as opened:
        yield opened


async def configure(client: Redis, configuration: dict[str, str]) -> None:
    for name, value in configuration.items():
        await client.config_set(name, value)


def test_the_strongest_is_asked_for_unless_somebody_says_otherwise() -> None:
    assert Settings().durability is Durability.ALWAYS


@pytest.mark.parametrize(
    ("configuration", "wanted"),
    [
        (ALWAYS, Durability.ALWAYS),
        (ALWAYS, Durability.EVERYSEC),
        (EVERY_SECOND, Durability.EVERYSEC),
        (WHENEVER, Durability.NONE),
        (NEVER, Durability.NONE),
    ],
)
async def test_a_redis_that_promises_as_much_or_more_is_good_enough(
    client: Redis, configuration: dict[str, str], wanted: Durability
) -> None:
    await configure(client, configuration)
    await durability.check(client, wanted)


@pytest.mark.parametrize(
    ("configuration", "wanted"),
    [
        (EVERY_SECOND, Durability.ALWAYS),
        (WHENEVER, Durability.ALWAYS),
        (WHENEVER, Durability.EVERYSEC),
        (NEVER, Durability.EVERYSEC),
        (NEVER, Durability.ALWAYS),
    ],
)
async def test_a_redis_that_promises_less_is_refused_with_the_remedy(
    client: Redis, configuration: dict[str, str], wanted: Durability
) -> None:
    await configure(client, configuration)
    with pytest.raises(StockUnavailable, match=f"appendfsync {wanted}") as caught:
        await durability.check(client, wanted)
    assert caught.value.reason == "redis_not_durable"


async def test_a_redis_that_does_not_tell_is_refused_unless_nobody_asks(client: Redis, own_redis: OwnRedis) -> None:
    await client.acl_setuser("managed", enabled=True, passwords=["+pw"], commands=["+@all", "-config"], keys=["*"])
    managed = own_redis.url.replace("redis://:only-here@", "redis://managed:pw@")
    async with Redis.from_url(managed) as restricted:
        with pytest.raises(StockUnavailable, match="INVENTORY_DURABILITY=none") as caught:
            await durability.check(restricted, Durability.ALWAYS)
        await durability.check(restricted, Durability.NONE)
    assert caught.value.reason == "redis_not_durable"


async def test_a_redis_that_is_away_is_told_as_that(client: Redis, own_redis: OwnRedis) -> None:
    own_redis.kill()
    with pytest.raises(StockUnavailable) as caught:
        await durability.check(client, Durability.ALWAYS)
    assert caught.value.reason == "redis_away"


@pytest.mark.parametrize("verb", ["serve", "stream"])
def test_a_start_on_a_weaker_redis_ends_with_the_remedy(own_redis: OwnRedis, kafka_bootstrap: str, verb: str) -> None:
    with own_redis.client() as client:
        client.config_set("appendfsync", "everysec")
    environment = {
        **os.environ,
        "INVENTORY_REDIS_URL": own_redis.url,
        "INVENTORY_START_DEADLINE_SECONDS": "10",
        "SHOPSPHERE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
    }
    command = [sys.executable, "-m", "inventory", verb]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 69
    assert "appendfsync always" in ended.stderr.splitlines()[-1]
