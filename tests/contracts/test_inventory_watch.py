"""Both doors tell the same changes: from a cursor on, as filtered, within bounds, until the end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from inventory.feed import WatchBounds
from inventory.journal import Item
from inventory.scopes import AVAILABILITY_READ, STOCK_WRITE
from inventory_builders import BREAD, SOAP, a_reservation, once, stocked
from inventory_doors import Doors, both_doors
from inventory_following import (
    DEADLINE_SECONDS,
    Follow,
    RefusedFollowing,
    changes,
    cursor_alone,
    following,
    listening,
    told_changes,
)
from shopsphere_kit.settings import HttpSettings
from shopsphere_kit.waiting import await_until

SOAP_IN_S2 = Item("P1", "S2")


@dataclass(frozen=True)
class Feed:
    """The doors, and a way to follow over one of them."""

    doors: Doors
    follow: Follow


Open = Callable[[WatchBounds], AbstractAsyncContextManager[Feed]]


@pytest.fixture(params=["rest", "grpc"])
def open_feed(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    @asynccontextmanager
    async def opened(bounds: WatchBounds) -> AsyncIterator[Feed]:
        limited = HttpSettings(request_timeout_seconds=0.2)
        async with both_doors(tmp_path, bounds=bounds, http_settings=limited) as doors, listening(doors.app) as address:
            yield Feed(doors, following(request.param, doors, address))

    return opened


@pytest.fixture
async def feed(open_feed: Open) -> AsyncIterator[Feed]:
    async with open_feed(WatchBounds(per_client=2)) as opened:
        yield opened


async def refusal(feed: Feed, **asked: object) -> tuple[str, str | None]:
    with pytest.raises(RefusedFollowing) as refused:
        async with feed.follow(**asked) as follower:  # type: ignore[arg-type]  # as each test asks
            await follower.next()
    return refused.value.reason, refused.value.field


async def test_a_change_is_told_as_the_same_json(feed: Feed) -> None:
    async with feed.follow() as follower:
        await cursor_alone(follower)
        await stocked(feed.doors.store, 10)
        await feed.doors.store.reserve(a_reservation(10), once())
        told = await changes(follower, 2)
    common = {"sku": "P1", "location": "S1", "bucket": "on_hand", "as_of": "2026-03-01T12:00:00Z", "epoch": 1}
    assert told == [
        {**common, "quantity": 10, "reserved": 0, "version": 1, "kind": "receipt", "is_low": False},
        {**common, "quantity": 10, "reserved": 10, "version": 2, "kind": "reserved", "is_low": True},
    ]


async def test_a_follower_who_comes_back_misses_nothing_and_sees_nothing_twice(feed: Feed) -> None:
    versions, cursor = list[int](), "1-0"
    for _ in range(4):
        await stocked(feed.doors.store, 1)
        await stocked(feed.doors.store, 1)
        async with feed.follow(cursor) as follower:
            for told in await told_changes(follower, 2):
                assert told.change
                versions.append(told.change["version"])
                cursor = told.cursor
    assert versions == [1, 2, 3, 4, 5, 6, 7, 8]


async def test_only_what_was_asked_for_is_told(feed: Feed) -> None:
    for item in (SOAP, BREAD, SOAP_IN_S2):
        await stocked(feed.doors.store, 1, item)
    async with feed.follow("1-0", ("P1", "P404")) as of_skus, feed.follow("1-0", location="S1") as of_location:
        soap, in_s1 = await changes(of_skus, 2), await changes(of_location, 2)
    assert [(each["sku"], each["location"]) for each in soap] == [("P1", "S1"), ("P1", "S2")]
    assert [(each["sku"], each["location"]) for each in in_s1] == [("P1", "S1"), ("P2", "S1")]


async def test_a_cursor_moves_on_past_what_was_not_asked_for_longer_than_any_time_limit(open_feed: Open) -> None:
    async with (
        open_feed(WatchBounds(heartbeat_seconds=0.05)) as feed,
        feed.follow(skus=("P404",)) as follower,
    ):
        first = await cursor_alone(follower)
        await stocked(feed.doors.store, 1)
        # Ten heartbeats are more than twice the time limit of a request.
        later = [await cursor_alone(follower) for _ in range(10)]
    assert (first, later[-1]) == ("1-0", "1-1")


@pytest.mark.parametrize(
    ("asked", "reason", "field"),
    [
        ({"after": "yesterday"}, "invalid_argument", "after"),
        ({"after": "1-٣"}, "invalid_argument", "after"),
        ({"after": "2-0"}, "changes_trimmed", "after"),
        ({"after": "1-7"}, "changes_trimmed", "after"),
        ({"skus": ("P1", "P 1")}, "invalid_argument", "skus.1"),
        ({"skus": ("P1",) * 1001}, "invalid_argument", "skus"),
        ({"location": "@"}, "invalid_argument", "location"),
    ],
)
async def test_following_is_refused_for_the_same_reason(
    feed: Feed, asked: dict[str, object], reason: str, field: str
) -> None:
    assert await refusal(feed, **asked) == (reason, field)


async def test_a_cursor_whose_changes_are_gone_is_refused(feed: Feed) -> None:
    await stocked(feed.doors.store, 1)
    feed.doors.store.trim_changes()
    assert await refusal(feed, after="1-0") == ("changes_trimmed", "after")


async def test_following_needs_its_scope(feed: Feed) -> None:
    assert (await refusal(feed, token=feed.doors.token(STOCK_WRITE)))[0] == "permission_denied"


async def test_a_client_follows_only_so_often_at_once(feed: Feed) -> None:
    async with AsyncExitStack() as followers:
        for _ in range(2):
            await cursor_alone(await followers.enter_async_context(feed.follow()))
        assert await refusal(feed) == ("too_many_watchers", None)
        other = feed.doors.token(AVAILABILITY_READ, client_id="kiosk")
        await cursor_alone(await followers.enter_async_context(feed.follow(token=other)))

    async def has_room() -> bool:
        try:
            async with feed.follow() as follower:
                await cursor_alone(follower)
        except RefusedFollowing:
            return False
        return True

    await await_until(has_room, deadline_seconds=DEADLINE_SECONDS, what="a place of one who left")


async def test_a_process_is_followed_only_so_often_at_once(open_feed: Open) -> None:
    async with open_feed(WatchBounds(per_process=1)) as feed, feed.follow() as follower:
        await cursor_alone(follower)
        other = feed.doors.token(AVAILABILITY_READ, client_id="kiosk")
        assert await refusal(feed, token=other) == ("too_many_watchers", None)


async def test_a_stop_ends_a_stream_cleanly_and_begins_none(feed: Feed) -> None:
    async with feed.follow() as follower:
        await cursor_alone(follower)
        feed.doors.feed.close()
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await follower.next() is None
    assert await refusal(feed) == ("stopping", None)


async def test_a_stream_ends_when_it_has_lived_its_time(open_feed: Open) -> None:
    async with open_feed(WatchBounds(lifetime_seconds=0.05)) as feed, feed.follow() as follower:
        await cursor_alone(follower)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await follower.next() is None


async def test_a_data_set_that_is_lost_ends_a_stream_with_the_reason(feed: Feed) -> None:
    async with feed.follow() as follower:
        await cursor_alone(follower)
        feed.doors.store.fence.lose_data_set()
        with pytest.raises(RefusedFollowing, match="epoch_mismatch"):
            await changes(follower, 1)
