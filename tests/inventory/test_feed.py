"""How one reader serves many watchers, what becomes of slow ones, and what a failing store does to them."""

import asyncio

import pytest
from inventory import feed as feeding
from inventory.changes import Change, Changes, Cursor, Wanted
from inventory.errors import ChangesTrimmed, StockUnavailable
from inventory.feed import ChangeFeed, Watch
from inventory.memory_store import InMemoryStockStore
from inventory_builders import NOON, stocked
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.waiting import await_until

DEADLINE_SECONDS = 10
BEGIN = Cursor(1, 0)


class CountingStore(InMemoryStockStore):
    """Counts the reads of changes; may fail."""

    def __init__(self) -> None:
        super().__init__(ManualClock(NOON))
        self.reads: list[Cursor | None] = []
        self.failure: Exception | None = None

    async def changes(self, after: Cursor | None, most: int) -> Changes:
        self.reads.append(after)
        if self.failure:
            raise self.failure
        return await super().changes(after, most)


async def take(watch: Watch, count: int) -> list[Change]:
    found: list[Change] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(found) < count:
            found += (await anext(watch)).changes
    return found


async def test_watchers_who_keep_up_share_one_reader() -> None:
    store = CountingStore()
    feed = ChangeFeed(store)
    watches = [await feed.watch(f"client-{number}", None, Wanted()) for number in range(50)]
    await stocked(store, 1)
    await asyncio.gather(*[take(watch, 1) for watch in watches])
    store.reads.clear()
    for number in range(5):
        await stocked(store, 1)
        told = await asyncio.gather(*[take(watch, 1) for watch in watches])
        assert {change.version for changes in told for change in changes} == {number + 2}
    # The watchers read what the reader keeps; the reader alone reads at the end of the changes.
    assert len(store.reads) < 50
    for watch in watches:
        watch.close()


async def test_a_slow_watcher_gets_all_of_it_from_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "RECENT_MAX", 5)
    monkeypatch.setattr(feeding, "BATCH_MAX", 2)
    store = CountingStore()
    feed = ChangeFeed(store)
    quick, slow = [await feed.watch("client", BEGIN, Wanted()) for _ in range(2)]
    for _ in range(40):
        await stocked(store, 1)
    assert [change.version for change in await take(quick, 40)] == list(range(1, 41))
    assert [change.version for change in await take(slow, 40)] == list(range(1, 41))
    quick.close()
    slow.close()


async def test_a_watcher_who_is_overtaken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "RECENT_MAX", 1)
    store = CountingStore()
    feed = ChangeFeed(store)
    quick, slow = [await feed.watch("client", None, Wanted()) for _ in range(2)]
    for _ in range(3):
        await stocked(store, 1)
    await take(quick, 3)
    store.trim_changes()
    with pytest.raises(ChangesTrimmed):
        await take(slow, 3)
    await stocked(store, 1)
    assert [change.version for change in await take(quick, 1)] == [4]
    quick.close()
    slow.close()


async def test_a_store_that_fails_ends_every_watch_and_the_next_begins_anew() -> None:
    store = CountingStore()
    feed = ChangeFeed(store)
    watches = [await feed.watch("client", None, Wanted()) for _ in range(3)]
    store.failure = StockUnavailable("away", reason="redis_away")
    for watch in watches:
        with pytest.raises(StockUnavailable, match="away"):
            await take(watch, 1)
        watch.close()
    with pytest.raises(StockUnavailable):
        await feed.watch("client", None, Wanted())
    store.failure = None
    again = await feed.watch("client", BEGIN, Wanted())
    await stocked(store, 1)
    assert len(await take(again, 1)) == 1
    again.close()


async def test_nobody_reads_when_nobody_watches() -> None:
    store = CountingStore()
    feed = ChangeFeed(store)
    first, second = [await feed.watch("client", None, Wanted()) for _ in range(2)]
    first.close()
    first.close()
    await stocked(store, 1)
    assert len(await take(second, 1)) == 1
    second.close()
    read = asyncio.all_tasks() - {asyncio.current_task()}

    async def has_ended() -> bool:
        return all(task.done() for task in read)

    await await_until(has_ended, deadline_seconds=DEADLINE_SECONDS, what="the end of the reader")
