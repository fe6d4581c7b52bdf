"""What a profile store must do, in memory and in LMDB alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from customer360.errors import LoadRunning, NothingLoaded, ReleaseReplaced, StoreUnusable
from customer360.lmdb_store import LmdbProfileStore
from customer360.profile import ReleaseStamp, TimelineEntry, tombstone
from customer360.store import CustomerRecord, InMemoryProfileStore, ProfileStore
from customer360_builders import MARIA, NOAH, STAMP, a_profile, an_entry, an_overview
from customer360_doors import next_release

MIB = 1_048_576
BOTH, ONE = b"b" * 32, b"o" * 32


@pytest.fixture(params=["in memory", "lmdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ProfileStore]:
    made: ProfileStore = (
        InMemoryProfileStore() if request.param == "in memory" else LmdbProfileStore(tmp_path / "a store", 16 * MIB)
    )
    yield made
    made.close()


def records(timeline: list[TimelineEntry]) -> list[CustomerRecord]:
    maria = a_profile(MARIA, timeline_count=len(timeline))
    return [CustomerRecord(maria, timeline, {BOTH, ONE}), CustomerRecord(a_profile(NOAH), (), {BOTH})]


def publish(store: ProfileStore, stamp: ReleaseStamp = STAMP, entries: int = 3) -> None:
    with store.writer(stamp, "f00d") as writer:
        writer.add(records([an_entry(day) for day in range(entries, 0, -1)]))
        writer.publish(an_overview())


def test_before_the_first_load_there_is_nothing_to_read(store: ProfileStore) -> None:
    with pytest.raises(NothingLoaded):
        store.current()


def test_a_published_generation_gives_back_what_was_written(store: ProfileStore) -> None:
    publish(store)
    generation = store.current()
    assert generation.info.release == STAMP
    assert (generation.info.profiles, generation.info.key_fingerprint) == (2, "f00d")
    assert generation.profile(MARIA) == a_profile(MARIA, timeline_count=3)
    assert generation.overview() == an_overview()


def test_nobody_is_known_under_an_unknown_id_or_digest(store: ProfileStore) -> None:
    publish(store)
    assert store.current().profile("C0") is None
    assert store.current().profile("") is None
    assert store.current().find(b"?" * 32) == ()


def test_a_digest_finds_everyone_who_has_it_in_a_stable_order(store: ProfileStore) -> None:
    publish(store)
    assert store.current().find(ONE) == (MARIA,)
    assert store.current().find(BOTH) == (MARIA, NOAH)


def test_a_timeline_is_read_in_slices_that_end_with_the_customer(store: ProfileStore) -> None:
    publish(store, entries=300)
    generation = store.current()
    whole = generation.timeline(MARIA, 0, 1000)
    assert len(whole) == 300
    assert generation.timeline(MARIA, 254, 4) == whole[254:258]
    assert generation.timeline(MARIA, 299, 10) == whole[299:]
    assert generation.timeline(MARIA, 300, 10) == []
    assert generation.timeline(NOAH, 0, 10) == []


def test_a_tombstone_stays_a_tombstone(store: ProfileStore) -> None:
    with store.writer(STAMP, "f00d") as writer:
        writer.add([CustomerRecord(tombstone("C1"))])
        writer.publish(an_overview())
    assert store.current().profile("C1") == tombstone("C1")


def test_a_generation_that_is_not_published_is_never_seen(store: ProfileStore) -> None:
    publish(store)
    with store.writer(next_release(1), "f00d") as writer:
        writer.add([CustomerRecord(a_profile("C1"))])
        assert store.current().profile("C1") is None
    assert store.current().info.release == STAMP


def test_a_load_that_fails_leaves_the_current_generation_and_frees_the_store(store: ProfileStore) -> None:
    publish(store)

    def broken() -> Iterator[CustomerRecord]:
        yield from records([])
        raise ConnectionError("the lake went away")

    with pytest.raises(ConnectionError), store.writer(next_release(1), "f00d") as writer:
        writer.add(broken())
    assert store.current().info.release == STAMP
    publish(store, next_release(2))
    assert store.current().info.release == next_release(2)


def test_only_one_load_runs_at_a_time(store: ProfileStore) -> None:
    with store.writer(STAMP, "f00d"), pytest.raises(LoadRunning):
        store.writer(next_release(1), "f00d")


def test_the_previous_generation_stays_readable_and_the_one_before_goes(store: ProfileStore) -> None:
    for number in range(3):
        publish(store, next_release(number))
    assert store.current().info.release == next_release(2)
    assert store.at(next_release(1).release_id).info.release == next_release(1)
    with pytest.raises(ReleaseReplaced):
        store.at(next_release(0).release_id)


def test_a_reader_keeps_the_generation_it_began_with(store: ProfileStore) -> None:
    publish(store, entries=3)
    held = store.current()
    for number in range(3):
        publish(store, next_release(number), entries=1)
    assert held.info.release == STAMP
    assert len(held.timeline(MARIA, 0, 10)) == 3


def test_the_same_release_can_be_loaded_again(store: ProfileStore) -> None:
    publish(store, entries=1)
    publish(store, entries=2)
    assert len(store.current().timeline(MARIA, 0, 10)) == 2


def test_another_reader_takes_up_a_new_generation_when_it_looks(tmp_path: Path) -> None:
    writing, reading = (LmdbProfileStore(tmp_path, 16 * MIB) for _ in range(2))
    assert reading.refresh() is False
    publish(writing)
    writing.close()
    assert reading.refresh() is True
    assert reading.refresh() is False
    assert reading.current().info.release == STAMP


def test_what_a_killed_load_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    store = LmdbProfileStore(tmp_path, 16 * MIB)
    publish(store)
    stray = tmp_path / "generations" / "R-killed.1"
    stray.mkdir()
    publish(store, next_release(1))
    kept = {folder.name.partition(".")[0] for folder in (tmp_path / "generations").iterdir()}
    assert kept == {STAMP.release_id, next_release(1).release_id}


def test_a_generation_too_large_for_its_file_names_the_setting(tmp_path: Path) -> None:
    store = LmdbProfileStore(tmp_path, MIB // 8)
    with pytest.raises(StoreUnusable, match="CUSTOMER360_STORE_SIZE_MAX_MIB"):
        publish(store, entries=2000)
    with pytest.raises(NothingLoaded):
        store.current()
