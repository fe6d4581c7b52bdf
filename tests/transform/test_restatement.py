"""A part computed anew by the rules of today: exactly that part changes, and a rebuild agrees with it."""

import argparse
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from bronze_builders import a_user, an_item, an_order, at, write_bronze
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from shopsphere_kit.clock import ManualClock
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.lake import latest_release, open_catalog, scan_release
from shopsphere_kit.settings import LakeSettings
from spark_fixture import another_lake
from transform import bronze, jobs, tables
from transform.errors import NoRelease
from transform.restatement import Restatement
from transform.storage import Lake
from transform.tables import orders_unified
from transform.verbs import run as verb

# Five runs of everything, each of which takes a busy machine minutes.
pytestmark = pytest.mark.timeout(1800)
ORDERS = orders_unified.TABLE
USERS = "silver.person_changes"
ORDER_2 = {"silver.latest_order_items": [("2",)]}
EVERYTHING = Restatement(since=at(-100))


def by_another_rule(lines: DataFrame, identities: DataFrame) -> DataFrame:
    """As the table is built, but for the status."""
    return ORDERS.build(lines, identities).withColumn("status", F.lit("delivered"))


@dataclass
class Story:
    """One lake whose rules change after the first run; what readers see after each step."""

    lake: Lake
    clock: ManualClock = field(default_factory=lambda: ManualClock(at(30)))
    done: dict[str, jobs.Run] = field(default_factory=dict)
    statuses: dict[str, dict[str, str]] = field(default_factory=dict)
    hashes: dict[str, dict[str, str]] = field(default_factory=dict)

    def step(self, name: str, *, full: bool = False, part: Restatement | None = None) -> None:
        """Run, and look."""
        self.clock.advance(timedelta(hours=1))
        self.done[name] = jobs.run(self.lake, self.clock, full=full, restatement=part)
        pinned = latest_release(self.lake.catalog)
        assert pinned is not None
        facts = scan_release(self.lake.catalog, pinned, "gold.fact_order").to_pylist()
        self.statuses[name] = {row["order_id"]: row["status"] for row in facts}
        self.hashes[name] = jobs.hashes(self.lake, pinned)


@pytest.fixture(scope="module")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    lake, _ = another_lake(spark, tmp_path_factory.mktemp("restated") / "lake")
    write_bronze(lake.catalog, bronze.USERS, [a_user(1)])
    orders = [an_order(number, _committed_at=at(number)) for number in (1, 2, 3, 4)]
    write_bronze(lake.catalog, bronze.ORDERS, orders)
    items = [an_item(number, _committed_at=at(number)) for number in (1, 2, 3, 4)]
    write_bronze(lake.catalog, bronze.ORDER_ITEMS, items)
    told = Story(lake)
    told.step("old rules", full=True)
    # What comes meanwhile is not a restatement's business.
    write_bronze(lake.catalog, bronze.ORDERS, [an_order(5)])
    write_bronze(lake.catalog, bronze.ORDER_ITEMS, [an_item(5)])
    with pytest.MonkeyPatch.context() as patch:
        changed = tuple(replace(table, build=by_another_rule) if table is ORDERS else table for table in tables.TABLES)
        patch.setattr(jobs, "TABLES", changed)
        told.step("a key", part=Restatement(keys=ORDER_2))
        with pytest.raises(InvalidArgument, match=r"bronze has none of the keys of silver\.latest_orders"):
            told.step("no key", part=Restatement(keys={"silver.latest_orders": [("404",)]}))
        with pytest.raises(InvalidArgument, match="nothing of what is to be restated"):
            told.step("no window", part=Restatement(since=at(3000)))
        told.step("a window", part=Restatement(since=at(3), until=at(4)))
        told.step("everything", part=EVERYTHING)
        told.step("gained")
        told.step("rebuilt", full=True)
    return told


def delivered(story: Story, step: str) -> list[str]:
    return sorted(order for order, status in story.statuses[step].items() if status == "delivered")


@pytest.mark.long
@pytest.mark.servers
def test_the_named_keys_are_computed_anew_and_nothing_else(story: Story) -> None:
    assert delivered(story, "old rules") == []
    assert delivered(story, "a key") == ["2"]
    assert story.done["a key"].changed["gold.fact_order"] == {"taken_out": 1, "put_in": 1}


@pytest.mark.long
@pytest.mark.servers
def test_what_was_committed_in_a_window_is_computed_anew_up_to_its_end(story: Story) -> None:
    assert delivered(story, "a window") == ["2", "3"]
    assert story.done["a window"].changed["gold.fact_order"] == {"taken_out": 1, "put_in": 1}


@pytest.mark.long
@pytest.mark.servers
def test_a_restatement_takes_nothing_in_that_came_since_and_the_next_run_does(story: Story) -> None:
    assert delivered(story, "everything") == ["1", "2", "3", "4"]
    assert sorted(story.statuses["everything"]) == ["1", "2", "3", "4"]
    assert not story.done["gained"].full
    assert delivered(story, "gained") == ["1", "2", "3", "4", "5"]


@pytest.mark.long
@pytest.mark.servers
def test_a_rebuild_makes_what_the_restatements_made(story: Story) -> None:
    assert story.done["rebuilt"].full
    assert story.hashes["rebuilt"] == story.hashes["gained"]


@pytest.mark.long
@pytest.mark.servers
def test_all_checks_are_made_of_a_restated_release(story: Story) -> None:
    for name in ("a key", "a window", "everything"):
        assert all(result.holds for result in story.done[name].results)
        assert all(balance.result().holds for balance in story.done[name].conservation)


def test_without_a_release_there_is_nothing_to_restate(lake_settings: LakeSettings) -> None:
    def no_spark() -> SparkSession:
        raise AssertionError("Spark was asked for")

    lake = Lake(no_spark, open_catalog(lake_settings), lake_settings.catalog_name)
    with pytest.raises(NoRelease, match="`python -m transform run` makes the first"):
        jobs.run(lake, ManualClock(at()), restatement=EVERYTHING)


def asked(*words: str) -> Restatement | None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser()
    verb.add(parser.add_subparsers())
    return verb._restatement(parser.parse_args(["run", *words]))


def test_the_command_line_names_a_window_in_utc_or_keys_of_folds() -> None:
    assert asked() is None
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, 12, tzinfo=UTC)
    window = asked("--restate", "--from", "2026-01-01", "--to", "2026-01-02T14:00+02:00")
    assert window == Restatement(since, until)
    keys = asked("--restate", "--keys", "silver.latest_order_items=17:2,18", "--keys", "silver.person_changes=shop:12")
    assert keys == Restatement(
        keys={"silver.latest_order_items": [("17", "2"), ("18",)], "silver.person_changes": [("shop", "12")]}
    )


@pytest.mark.parametrize("words", [("--restate",), ("--from", "2026-01-01"), ("--keys", "silver.latest_orders=1")])
def test_a_restatement_is_asked_for_with_its_part(words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument, match="--restate needs --from, --to or --keys"):
        asked(*words)


def test_all_keys_of_a_fold_count_and_the_last_part_of_one_may_have_colons() -> None:
    keys = asked(
        "--restate", *(word for key in ("shop:12", "marketplace:a:b") for word in ("--keys", f"{USERS}={key}"))
    )
    assert keys == Restatement(keys={USERS: [("shop", "12"), ("marketplace", "a:b")]})


def test_a_part_is_not_restated_again_and_again() -> None:
    with pytest.raises(InvalidArgument, match="once, not --every so often"):
        asked("--restate", "--from", "2026-01-01", "--every", "5")


def test_keys_of_what_is_no_fold_are_answered_with_the_folds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        asked("--restate", "--keys", "gold.fact_order=1")
    assert "gold.fact_order is no fold; one of silver.truncates" in capsys.readouterr().err
