"""Returning to an earlier release, on gold.releases alone: no table has to be there for its row to be appended."""

import json
import subprocess
import sys
from datetime import timedelta

import pyarrow as pa
import pytest
from bronze_builders import at
from pyiceberg.catalog import Catalog
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.lake import RELEASES, latest_release, open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.settings import inherited_environment
from transform import release
from transform.errors import NoRelease, Superseded
from transform.release import ReleaseRow
from transform.rollback import rollback

START = at(30)


@pytest.fixture
def catalog(lake_settings: LakeSettings) -> Catalog:
    return open_catalog(lake_settings)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def publish(catalog: Catalog, clock: ManualClock, number: int) -> ReleaseRow:
    """A release whose snapshots and bronze are told by the number."""
    clock.advance(timedelta(hours=1))
    made = release.new_release(clock.now(), {"gold.x": number}, {"bronze.x": number})
    release.append(catalog, made, release.head(catalog))
    return made


def shown(catalog: Catalog) -> int:
    """The number of the release that readers take."""
    newest = latest_release(catalog)
    assert newest is not None
    return newest.snapshots["gold.x"]


def test_readers_are_back_on_the_release_before_and_nothing_is_taken_from_history(
    catalog: Catalog, clock: ManualClock
) -> None:
    first, second = publish(catalog, clock, 1), publish(catalog, clock, 2)

    back = rollback(catalog, clock)

    assert shown(catalog) == 1
    rows = release.published(catalog)
    assert [row.release_id for row in rows] == [back.release_id, second.release_id, first.release_id]
    assert (rows[0].state, rows[0].rolled_back_from) == ("rolled_back", second.release_id)
    assert rows[0].content_of == first.release_id


def test_the_next_run_takes_bronze_in_from_where_the_shown_release_stands(catalog: Catalog, clock: ManualClock) -> None:
    publish(catalog, clock, 1)
    publish(catalog, clock, 2)
    rollback(catalog, clock)
    assert release.published(catalog)[0].consumed == {"bronze.x": 1}


def test_rolling_back_twice_goes_two_back_and_not_forth(catalog: Catalog, clock: ManualClock) -> None:
    for number in (1, 2, 3):
        publish(catalog, clock, number)
    rollback(catalog, clock)
    assert shown(catalog) == 2
    rollback(catalog, clock)
    assert shown(catalog) == 1
    with pytest.raises(NoRelease, match="no release stands before"):
        rollback(catalog, clock)


def test_a_release_that_was_withdrawn_is_not_what_a_later_rollback_returns_to(
    catalog: Catalog, clock: ManualClock
) -> None:
    for number in (1, 2, 3):
        publish(catalog, clock, number)
    rollback(catalog, clock)
    publish(catalog, clock, 4)
    rollback(catalog, clock)
    assert shown(catalog) == 2
    rollback(catalog, clock)
    assert shown(catalog) == 1


def test_any_release_can_be_named_also_one_that_was_withdrawn(catalog: Catalog, clock: ManualClock) -> None:
    first, _, third = (publish(catalog, clock, number) for number in (1, 2, 3))
    rollback(catalog, clock, to=first.release_id)
    assert shown(catalog) == 1
    rollback(catalog, clock, to=third.release_id)
    assert shown(catalog) == 3
    rollback(catalog, clock)
    assert shown(catalog) == 2


def test_an_unknown_release_is_named_with_the_remedy(catalog: Catalog, clock: ManualClock) -> None:
    with pytest.raises(NoRelease, match="nothing was published yet"):
        rollback(catalog, clock)
    publish(catalog, clock, 1)
    with pytest.raises(NoRelease, match="R0 never was, or its time to be read is over; `python -m transform releases`"):
        rollback(catalog, clock, to="R0")


def test_a_rollback_is_the_newest_release_though_the_clock_went_back(catalog: Catalog, clock: ManualClock) -> None:
    publish(catalog, clock, 1)
    publish(catalog, clock, 2)
    rollback(catalog, ManualClock(START - timedelta(days=1)))
    assert shown(catalog) == 1
    assert len({row.release_id for row in release.published(catalog)}) == 3


def test_a_run_whose_clock_is_behind_publishes_the_newest_release_all_the_same(
    catalog: Catalog, clock: ManualClock
) -> None:
    publish(catalog, clock, 1)
    publish(catalog, ManualClock(START - timedelta(days=1)), 2)
    assert shown(catalog) == 2


def test_a_run_that_began_before_a_rollback_is_superseded(catalog: Catalog, clock: ManualClock) -> None:
    publish(catalog, clock, 1)
    publish(catalog, clock, 2)
    seen = release.head(catalog)
    rollback(catalog, clock)
    with pytest.raises(Superseded):
        release.append(catalog, release.new_release(clock.now(), {"gold.x": 3}, {}), seen)
    assert shown(catalog) == 1


def test_a_run_that_began_after_a_rollback_publishes_onto_it(catalog: Catalog, clock: ManualClock) -> None:
    publish(catalog, clock, 1)
    publish(catalog, clock, 2)
    rollback(catalog, clock)
    publish(catalog, clock, 3)
    assert shown(catalog) == 3


def test_the_command_line_rolls_back_and_lists_it(
    catalog: Catalog, clock: ManualClock, lake_settings: LakeSettings
) -> None:
    first, second = publish(catalog, clock, 1), publish(catalog, clock, 2)
    env = inherited_environment() | {
        "SHOPSPHERE_LAKE_CATALOG_URI": lake_settings.catalog_uri,
        "SHOPSPHERE_LAKE_WAREHOUSE": lake_settings.warehouse,
    }

    def transform(*arguments: str) -> list[dict[str, object]]:
        command = [sys.executable, "-m", "transform", *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    [told] = transform("rollback")
    assert (told["shows"], told["rolled_back_from"]) == (first.release_id, second.release_id)
    assert [row["state"] for row in transform("releases")] == ["rolled_back", "published", "published"]


def test_releases_of_before_there_were_rollbacks_can_be_returned_to(catalog: Catalog, clock: ManualClock) -> None:
    old = release.SCHEMA.names[:5]
    schema = pa.schema([release.SCHEMA.field(name) for name in old])
    catalog.create_namespace("gold")
    table = catalog.create_table(RELEASES, schema=schema)
    for number in (1, 2):
        row: tuple[object, ...] = (
            "R" + str(number),
            START + timedelta(hours=number),
            [("gold.x", number)],
            [],
            "published",
        )
        table.append(pa.Table.from_pylist([dict(zip(old, row, strict=True))], schema=schema))

    rollback(catalog, clock)

    assert shown(catalog) == 1


def test_many_releases_are_kept_in_few_files(catalog: Catalog, clock: ManualClock) -> None:
    made = [publish(catalog, clock, number).release_id for number in range(40)]
    assert [row.release_id for row in release.published(catalog)] == made[::-1]
    assert len(catalog.load_table(RELEASES).inspect.files()) < 20
