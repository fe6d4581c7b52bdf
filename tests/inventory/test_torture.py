"""The short version of `make torture-inventory`: simulations, what they notice, and a few kills of real processes."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from ingest_torture.chance import fresh_seed
from inventory import holds, publisher, stream
from inventory.fence import Fence
from inventory.journal import Balance
from inventory.memory_store import InMemoryStockStore
from inventory_torture.kills import Kills
from inventory_torture.simulation import Simulation, simulate_many

RUNS, KILLS = 300, 2
# Of the known bugs each is found much sooner.
FOUND_WITHIN = 400


@pytest.fixture
def seed() -> int:
    """A new one each time; pytest shows what was printed when a test fails."""
    drawn = fresh_seed()
    print(f"seed {drawn}")  # noqa: T201
    return drawn


def test_nothing_is_oversold_lost_or_counted_twice_in_any_simulation(seed: int) -> None:
    failed = simulate_many(seed, RUNS)
    assert failed is None, f"repeat with: make torture-inventory SEED={failed.seed} RUNS=1 KILLS=0"


def test_a_seed_repeats_its_simulation() -> None:
    journals = []
    for _ in range(2):
        simulation = Simulation(7)
        simulation.run()
        journals.append(simulation.redis.store._journals)
    assert journals[0] == journals[1]
    assert journals[0]


def test_every_fault_happens() -> None:
    happened = set[str]()
    for seed in range(60):
        simulation = Simulation(seed)
        simulation.run()
        happened |= set(simulation.faults)
    assert happened == {
        *("kill", "sleep", "rebalance", "refuse", "change_clock"),
        *("flush", "keep_copy", "put_back"),
    }


BUGS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "what is reserved is promised again": lambda patch: patch.setattr(
        Balance, "unreserved", property(lambda balance: balance.on_hand)
    ),
    "no owner is checked": lambda patch: patch.setattr(Fence, "admit_owner", lambda *_: None),
    "no epoch is checked": lambda patch: patch.setattr(Fence, "admit", lambda _: None),
    "no hold expires": lambda patch: patch.setattr(holds.Hold, "is_due", lambda *_: False),
    "a worker reads on from what its group committed": lambda patch: patch.setattr(
        stream.PartitionOwner, "take_over", _without_offsets(stream.PartitionOwner.take_over)
    ),
    "an event counts at each delivery": lambda patch: patch.setattr(
        InMemoryStockStore, "_take", _without_deduplication(InMemoryStockStore._take)
    ),
    "a sale is forgotten before it is sent": lambda patch: patch.setattr(
        publisher.MovementPublisher, "_publish", _forgetting
    ),
}


def _without_deduplication(take: Callable[..., str]) -> Callable[..., str]:
    def taken(store: InMemoryStockStore, content: object, now: object) -> str:
        store._event_ids.discard(getattr(content, "event_id", ""))
        return take(store, content, now)

    return taken


def _without_offsets(take_over: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[dict[int, int]]]:
    async def taken_over(owner: stream.PartitionOwner, partitions: frozenset[int]) -> dict[int, int]:
        await take_over(owner, partitions)
        return {}

    return taken_over


async def _forgetting(self: publisher.MovementPublisher) -> int:
    waiting = await self._store.outbox(publisher.BATCH_MAX)
    await self._store.sent(waiting)
    await self._sender.send([publisher._message(each) for each in waiting])
    return len(waiting)


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_simulations_find_a_known_bug(
    bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    failed = simulate_many(0, FOUND_WITHIN)
    assert failed
    assert failed.told.startswith("InvariantBroken"), failed


@pytest.mark.servers
@pytest.mark.timeout(280)
def test_nothing_is_oversold_lost_or_counted_twice_across_kills_of_worker_and_redis(
    seed: int, kafka_bootstrap: str, tmp_path: Path
) -> None:
    print(f"repeat with: make torture-inventory SEED={seed} RUNS=0 KILLS={KILLS}")  # noqa: T201
    assert Kills(seed, tmp_path, kafka_bootstrap).run(KILLS) == []
