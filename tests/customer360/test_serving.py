"""A serving process takes up what another process has loaded."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from customer360.bootstrap import watch
from customer360.errors import NothingLoaded
from customer360.lmdb_store import LmdbProfileStore
from customer360_builders import STAMP
from customer360_doors import next_release
from prometheus_client import REGISTRY
from shopsphere_kit.waiting import await_until

SIZE = 16 * 1_048_576
TESTS = Path(__file__).resolve().parents[1]


def served(store: LmdbProfileStore) -> str | None:
    try:
        return store.current().info.release.release_id
    except NothingLoaded:
        return None


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[LmdbProfileStore]:
    store = LmdbProfileStore(tmp_path, SIZE)
    watcher = asyncio.create_task(watch(store, poll_seconds=0.01))
    yield store
    watcher.cancel()
    store.close()


async def until_served(store: LmdbProfileStore, release_id: str) -> None:
    async def as_wanted() -> bool:
        return served(store) == release_id

    await await_until(as_wanted, deadline_seconds=10, what=f"release {release_id} being served")


async def load_elsewhere(folder: Path, number: int | None = None) -> None:
    stamp = "STAMP" if number is None else f"next_release({number})"
    program = f"""
from pathlib import Path
from customer360.lmdb_store import LmdbProfileStore
from customer360_doors import STAMP, fill, next_release
fill(LmdbProfileStore(Path({str(folder)!r}), {SIZE}), {stamp})
"""
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env={"PYTHONPATH": str(TESTS)})
    assert await other.wait() == 0


async def test_new_generations_are_taken_up_while_serving(serving: LmdbProfileStore, tmp_path: Path) -> None:
    assert served(serving) is None
    await load_elsewhere(tmp_path)
    await until_served(serving, STAMP.release_id)
    await load_elsewhere(tmp_path, 1)
    await until_served(serving, next_release(1).release_id)
    assert serving.at(STAMP.release_id).info.release == STAMP
    published = REGISTRY.get_sample_value("shopsphere_customer360_release_published_timestamp_seconds")
    assert published == next_release(1).created_at.timestamp()


async def test_a_generation_that_cannot_be_read_leaves_the_old_one_serving(
    serving: LmdbProfileStore, tmp_path: Path
) -> None:
    await load_elsewhere(tmp_path)
    await until_served(serving, STAMP.release_id)
    good = (tmp_path / "CURRENT").read_text()
    (tmp_path / "CURRENT").write_text("R-missing.1\n")
    with pytest.raises(Exception, match="R-missing"):
        serving.refresh()
    assert served(serving) == STAMP.release_id
    (tmp_path / "CURRENT").write_text(good)
    await load_elsewhere(tmp_path, 1)
    await until_served(serving, next_release(1).release_id)
