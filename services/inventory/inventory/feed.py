"""Following what changes: one reader of the store for all watchers of this process.

A watcher keeps nothing but its cursor and the batch in its hands. The reader keeps the newest changes, once for all,
and wakes the watchers; who lags behind what is kept reads from the store, and in the end is told that changes were
trimmed. A slow consumer therefore costs no memory, however slow it is.
"""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from shopsphere_kit.errors import Unavailable

from inventory import metrics
from inventory.changes import Change, Changes, ChangeStore, Cursor, Wanted
from inventory.errors import ChangesTrimmed, TooManyWatchers

# One read of the store; a message of gRPC or a frame of REST is one change.
BATCH_MAX = 500
# Kept for all watchers together, a few megabytes: who is woken at once reads no store.
RECENT_MAX = 10_000
# Between a change and its telling. Fifty looks a second cost Redis less than a hundredth of a core, and only while
# somebody follows.
POLL_SECONDS = 0.02
# Proxies end connections that are silent for a minute, often for half of one.
HEARTBEAT_SECONDS = 15.0
# A token is looked at when a stream begins; after an hour the client begins anew, with one that is valid then.
LIFETIME_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class WatchBounds:
    """How many watchers there may be, and how long one is silent, or lives, seconds."""

    per_process: int = 500
    per_client: int = 20
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    lifetime_seconds: float = LIFETIME_SECONDS


class ChangeFeed:
    """Hands the changes of a store to watchers."""

    def __init__(self, store: ChangeStore, bounds: WatchBounds | None = None) -> None:
        self.bounds = bounds or WatchBounds()
        self.is_closed = False
        self.failure: Exception | None = None
        self._store = store
        self._watchers: Counter[str] = Counter()
        self._recent: list[Change] = []
        self._end: Cursor | None = None
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None

    async def watch(self, client_id: str, after: Cursor | None, wanted: Wanted) -> "Watch":
        """Follow from a cursor, or from now; raises ChangesTrimmed, TooManyWatchers, StockUnavailable."""
        if self.is_closed:
            raise Unavailable("this process is stopping; follow from another one", reason="stopping")
        self._admit(client_id)
        watch = Watch(self, client_id, wanted)
        try:
            begin = await self._store.changes(after, 1)
        except BaseException:
            watch.close()
            raise
        watch.cursor = after or begin.cursor
        if self._reader is None or self._reader.done():
            self.failure, self._recent, self._end = None, [], None
            self._reader = asyncio.create_task(self._read())
        return watch

    def close(self) -> None:
        """End all watches, and begin none any more."""
        self.is_closed = True
        self._wake()

    def forget(self, client_id: str) -> None:
        """One watcher less; the reader ends with the last one."""
        self._watchers[client_id] -= 1
        self._watchers += Counter()
        metrics.WATCHERS.dec()
        if not self._watchers and self._reader:
            self._reader.cancel()
            self._reader = None

    async def after(self, cursor: Cursor) -> Changes:
        """What is known after a cursor, without waiting; raises ChangesTrimmed, and what the reader failed with."""
        if self.failure:
            raise self.failure
        if self._end and cursor >= self._end:
            return Changes(cursor)
        first = self._recent[0].cursor.number if self._recent else None
        if first is None or cursor.number < first - 1:
            return await self._store.changes(cursor, BATCH_MAX)
        start = cursor.number + 1 - first
        found = tuple(self._recent[start : start + BATCH_MAX])
        return Changes(found[-1].cursor, found)

    async def news(self, cursor: Cursor, until: float) -> None:
        """Wait for changes after a cursor, or for the end, but not beyond this time of the loop."""
        if not (self.is_closed or self.failure or (self._end and self._end > cursor)):
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._news.wait()

    def _admit(self, client_id: str) -> None:
        if self._watchers[client_id] >= self.bounds.per_client:
            raise TooManyWatchers(
                f"a client follows at most {self.bounds.per_client} times at once; end one first, or follow more skus"
                " with one",
                retry_after_seconds=round(self.bounds.heartbeat_seconds),
            )
        if self._watchers.total() >= self.bounds.per_process:
            raise TooManyWatchers(
                f"this process is followed {self.bounds.per_process} times already; try another one, or later",
                retry_after_seconds=round(self.bounds.heartbeat_seconds),
            )
        self._watchers[client_id] += 1
        metrics.WATCHERS.inc()

    async def _read(self) -> None:
        try:
            while True:
                has_more = await self._read_once()
                if not has_more:
                    await asyncio.sleep(POLL_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it is, no watcher must wait for a reader that is gone
            self.failure = error
            self._wake()

    async def _read_once(self) -> bool:
        try:
            found = await self._store.changes(self._end, BATCH_MAX)
        except ChangesTrimmed:
            # So much at once that the reader itself was overtaken; the watchers find out for themselves.
            self._recent, self._end = [], None
            return True
        is_news, self._end = found.cursor != self._end, found.cursor
        self._recent = [*self._recent, *found.changes][-RECENT_MAX:] if found.changes else self._recent
        if is_news:
            self._wake()
        return len(found.changes) == BATCH_MAX

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Watch:
    """Batches of changes for one follower, each perhaps empty: then its cursor alone says how far the watch has come.

    Iterating ends when the process stops or the watch has lived its time. Close it in any case.
    """

    def __init__(self, feed: ChangeFeed, client_id: str, wanted: Wanted) -> None:
        self.cursor = Cursor(0, 0)
        self._feed = feed
        self._client_id = client_id
        self._wanted = wanted
        self._ends_at = asyncio.get_running_loop().time() + feed.bounds.lifetime_seconds
        self._has_begun = self._is_closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Changes:
        """The next batch; an empty one at once, and then whenever there was none for the time of a heartbeat."""
        if not self._has_begun:
            self._has_begun = True
            return Changes(self.cursor)
        loop = asyncio.get_running_loop()
        silent_until = min(loop.time() + self._feed.bounds.heartbeat_seconds, self._ends_at)
        while not (self._feed.is_closed or loop.time() >= self._ends_at):
            found = await self._feed.after(self.cursor)
            self.cursor = found.cursor
            wanted = self._wanted.of(found.changes)
            if wanted or loop.time() >= silent_until:
                return Changes(self.cursor, wanted)
            await self._feed.news(self.cursor, silent_until)
        raise StopAsyncIteration

    def close(self) -> None:
        """Give up the place; once is enough, more does no harm."""
        if not self._is_closed:
            self._is_closed = True
            self._feed.forget(self._client_id)
