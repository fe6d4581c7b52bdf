"""What only the change feed over REST has: its text, its headers, and how a browser comes back."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from inventory.feed import WatchBounds
from inventory_builders import stocked
from inventory_doors import Doors, both_doors
from inventory_following import DEADLINE_SECONDS, changes, follow_events, listening
from shopsphere_kit.waiting import await_until


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    async with both_doors(tmp_path, bounds=WatchBounds(heartbeat_seconds=0.05)) as opened:
        yield opened


@asynccontextmanager
async def streaming(doors: Doors, path: str = "/v1/changes", **headers: str) -> AsyncIterator[httpx.Response]:
    headers |= {"Authorization": f"Bearer {doors.rest.token}"}
    async with (
        listening(doors.app) as address,
        httpx.AsyncClient(base_url=address, timeout=DEADLINE_SECONDS) as client,
        client.stream("GET", path, headers=headers) as response,
    ):
        yield response


async def lines(response: httpx.Response, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for line in response.aiter_lines():
            found.append(line)
            if len(found) == count:
                break
    return found


async def test_the_text_is_what_the_standard_of_html_says(doors: Doors) -> None:
    await stocked(doors.store, 10)
    async with streaming(doors, "/v1/changes?after=1-0") as response:
        told = await lines(response, 8)
    assert told[:4] == ["retry: 1000", ": heartbeat", "id: 1-0", ""]
    assert (told[4], told[5], told[7]) == ("id: 1-1", "event: change", "")
    assert json.loads(told[6].removeprefix("data: "))["quantity"] == 10


async def test_nobody_keeps_or_holds_back_a_stream(doors: Doors) -> None:
    async with streaming(doors) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"


async def test_silence_is_broken_by_comments(doors: Doors) -> None:
    async with streaming(doors) as response:
        assert await lines(response, 7) == ["retry: 1000", *[": heartbeat", "id: 1-0", ""] * 2]


async def test_a_browser_comes_back_with_the_id_that_it_saw_last_to_the_address_that_it_had(doors: Doors) -> None:
    for _ in range(3):
        await stocked(doors.store, 1)
    headers = {"Authorization": f"Bearer {doors.rest.token}", "Last-Event-ID": "1-2"}
    async with (
        listening(doors.app) as address,
        follow_events(address, headers, {"after": "1-0"}) as follower,
    ):
        assert [each["version"] for each in await changes(follower, 1)] == [3]


async def test_a_trimmed_cursor_is_gone(doors: Doors) -> None:
    async with streaming(doors, "/v1/changes?after=2-0") as response:
        assert response.status_code == 410


async def test_too_many_followers_are_told_when_to_come_back(tmp_path: Path) -> None:
    async with both_doors(tmp_path, bounds=WatchBounds(per_client=0)) as doors, streaming(doors) as response:
        assert (response.status_code, response.headers["retry-after"]) == (429, "15")


async def test_who_hangs_up_is_followed_by_nobody(doors: Doors) -> None:
    before = asyncio.all_tasks()
    async with streaming(doors) as response:
        await lines(response, 4)

    async def is_quiet() -> bool:
        return asyncio.all_tasks() <= before

    await await_until(is_quiet, deadline_seconds=DEADLINE_SECONDS, what="the end of the reader")
