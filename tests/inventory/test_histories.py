"""What clients record of a stock store is linearizable for every sku, also across kill -9; of a broken store it is not.

It is invariant I9, on the store in memory and on the functions in a real Redis. A failure prints its seed: what is done
follows from it, and in memory when; the timing of a real Redis is its own.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from ingest_torture.chance import stream
from inventory.memory_store import InMemoryStockStore
from inventory_builders import NOON
from inventory_histories.broken_stores import CheckThenDecrement, ExpiryOnlyOnRead, KeyWithoutBody
from inventory_histories.clients import CalledStore, Pause, Way, Workload, at_once, recorded
from inventory_histories.model import TimedStockModel
from inventory_histories.recorder import Recorder
from inventory_histories.servers import RedisProcess, a_redis, connected
from inventory_redis import inventory_url
from linearizability.checker import Verdict, check
from linearizability.explain import explain
from linearizability.moments import AnyOperation
from linearizability.operation import LOST
from linearizability.stock_model import Answer
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.waiting import await_until

Break = Callable[[CalledStore, Pause], CalledStore]
SEEDS = (1, 2, 3)


def judged(history: list[AnyOperation]) -> Verdict:
    return check(history, TimedStockModel())


def is_linearizable(history: list[AnyOperation], seed: int) -> bool:
    verdict = judged(history)
    assert verdict.is_linearizable, f"seed {seed}: {explain(verdict)}"
    return verdict.is_linearizable


def answers(history: Iterable[AnyOperation]) -> set[object]:
    return {each.response if each.response is LOST else each.response.answer for each in history}


def interleaving(draw: Random, clock: ManualClock) -> Pause:
    """Let the others go first, some of them, while time passes."""

    async def pause() -> None:
        clock.advance(timedelta(microseconds=draw.randrange(400)))
        for _ in range(draw.randrange(4)):
            await asyncio.sleep(0)

    return pause


async def recorded_in_memory(workload: Workload, broken: Break = lambda store, _: store) -> list[AnyOperation]:
    clock = ManualClock(NOON)
    pause = interleaving(stream(workload.seed, "pauses"), clock)
    store = broken(InMemoryStockStore(clock), pause)
    if isinstance(store, CheckThenDecrement):
        await store.stock_up(workload.skus)
    return await recorded([store], workload, Way(pass_on=pause))


async def recorded_across_a_kill(server: RedisProcess, workload: Workload, kills: int = 1) -> list[AnyOperation]:
    recorder, draw = Recorder(), stream(workload.seed, "kills")
    ticks = sorted(draw.randrange(workload.clients * workload.calls) for _ in range(kills))

    async def server_is_back() -> None:
        async def answers() -> bool:
            return await asyncio.to_thread(server.answers)

        await await_until(answers, deadline_seconds=30, what="Redis", poll_seconds=0.01)

    async def killer() -> None:
        for tick in ticks:

            async def is_time(tick: int = tick) -> bool:
                return len(recorder.history) >= tick

            await await_until(is_time, deadline_seconds=120, what=f"{tick} operations", poll_seconds=0.001)
            await server.kill_and_restart()

    async with connected(server.url, workload.clients) as stores, asyncio.TaskGroup() as group:
        group.create_task(killer())
        return await recorded(stores, workload, Way(server_is_back=server_is_back), recorder)


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_clients_record_of_the_store_in_memory_is_linearizable(seed: int) -> None:
    history = await recorded_in_memory(Workload(seed))
    assert answers(history) > {*Answer}
    assert is_linearizable(history, seed)


@pytest.mark.servers
@pytest.mark.parametrize("seed", SEEDS)
async def test_what_clients_record_of_the_functions_in_redis_is_linearizable(redis_url: str, seed: int) -> None:
    workload = Workload(seed)
    async with connected(inventory_url(redis_url), workload.clients) as stores:
        history = await recorded(stores, workload)
    assert answers(history) > {*Answer}
    assert is_linearizable(history, seed)


@pytest.mark.servers
async def test_what_clients_record_across_a_kill_of_redis_is_linearizable(tmp_path: Path) -> None:
    with a_redis(tmp_path) as server:
        history = await recorded_across_a_kill(server, Workload(seed=4))
    assert is_linearizable(history, 4)
    assert LOST in answers(history)


@pytest.mark.parametrize(
    "broken",
    [CheckThenDecrement, lambda store, _: ExpiryOnlyOnRead(store), lambda store, _: KeyWithoutBody(store)],
    ids=["check then decrement", "expiry only on read", "key without body"],
)
@pytest.mark.parametrize("seed", SEEDS)
async def test_what_clients_record_of_a_store_with_a_known_bug_is_not(broken: Break, seed: int) -> None:
    assert judged(await recorded_in_memory(Workload(seed), broken)).is_refuted


@pytest.mark.servers
async def test_checking_and_taking_in_two_calls_of_redis_is_found(redis_url: str) -> None:
    workload = Workload(seed=5)
    async with connected(inventory_url(redis_url), workload.clients) as stores:
        await CheckThenDecrement(stores[0], at_once).stock_up(workload.skus)
        broken = [CheckThenDecrement(store, at_once) for store in stores]
        assert judged(await recorded(broken, workload)).is_refuted


@pytest.mark.long
async def test_many_long_histories_of_the_store_in_memory_are_linearizable() -> None:
    for seed in range(100, 150):
        history = await recorded_in_memory(Workload(seed, clients=8, calls=500))
        assert is_linearizable(history, seed)


@pytest.mark.long
@pytest.mark.servers
async def test_many_long_histories_of_the_functions_in_redis_are_linearizable(redis_url: str) -> None:
    for seed in range(200, 230):
        workload = Workload(seed, clients=8, calls=1_000)
        async with connected(inventory_url(redis_url), workload.clients) as stores:
            assert is_linearizable(await recorded(stores, workload), seed)


@pytest.mark.long
@pytest.mark.servers
async def test_many_histories_across_kills_of_redis_are_linearizable(tmp_path: Path) -> None:
    with a_redis(tmp_path) as server:
        for seed in range(300, 340):
            history = await recorded_across_a_kill(server, Workload(seed, calls=150), kills=3)
            assert is_linearizable(history, seed)
