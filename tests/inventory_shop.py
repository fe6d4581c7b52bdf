"""A stock store under test, in memory or in a real Redis, and how time passes in it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from inventory.holds import Hold
from inventory.journal import Item
from inventory.memory_store import InMemoryStockStore
from inventory.redis_store import RedisStockStore
from inventory.refusals import Refused
from inventory.store import Decision, Retention, StockStore
from inventory_builders import NOON, SOAP
from inventory_redis import empty_redis
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.waiting import await_until

BALANCES_MAX = 3
RETENTION = Retention(answers=timedelta(seconds=2), ended_holds=timedelta(seconds=2))


@dataclass
class Shop:
    """A store under test, and how time passes in it."""

    store: StockStore
    pass_time: Callable[[timedelta], Awaitable[None]]
    lose_data_set: Callable[[], Awaitable[object]]
    trim_changes: Callable[[], Awaitable[object]]


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.servers)])
async def shop(request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    if request.param == "memory":
        clock = ManualClock(NOON)

        async def advance(by: timedelta) -> None:
            clock.advance(by)

        in_memory = InMemoryStockStore(clock, RETENTION, BALANCES_MAX)

        async def forget() -> None:
            in_memory.fence.lose_data_set()

        async def trim() -> None:
            in_memory.trim_changes()

        yield Shop(in_memory, advance, forget, trim)
        return
    async with empty_redis(request.getfixturevalue("redis_url")) as client:
        store = await RedisStockStore.open(client, RETENTION, BALANCES_MAX)

        async def wait(by: timedelta) -> None:
            started = (await store.availability([])).as_of

            async def has_passed() -> bool:
                return (await store.availability([])).as_of - started > by

            await await_until(has_passed, deadline_seconds=10, what="Redis' clock", poll_seconds=0.01)

        async def trim_stream() -> None:
            await client.xtrim("inv:changes", maxlen=0, approximate=False)

        yield Shop(store, wait, client.flushdb, trim_stream)


def held(decision: Decision) -> Hold:
    assert isinstance(decision.outcome, Hold), decision
    return decision.outcome


def refused(decision: Decision) -> Refused:
    assert isinstance(decision.outcome, Refused), decision
    return decision.outcome


async def numbers(store: StockStore, item: Item = SOAP) -> tuple[int, int]:
    balance = (await store.availability([item.sku])).skus[item.sku][item.location]
    return balance.on_hand, balance.reserved
