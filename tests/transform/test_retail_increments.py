"""Increments of Online Retail, shuffled, delivered again and interrupted, end in the tables of one run over all."""

from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
import retail_builders as retail
from pyspark.sql import SparkSession
from retail_increments import INCREMENTS, SEED, Increment, Replay, plan
from retail_recomputed import differing, recompute
from shopsphere_kit.lake import latest_release
from shopsphere_kit.settings import LakeSettings
from spark_fixture import another_lake
from transform import tables
from transform.storage import Lake

pytestmark = [pytest.mark.servers, pytest.mark.timeout(0 if INCREMENTS > 10 else 900)]


def test_a_plan_brings_every_file_once_and_older_ones_again() -> None:
    files = [Path(str(number)) for number in range(10)]
    made = plan(files, 4, SEED)
    assert sorted(file for each in made for file in each.files) == sorted(files)
    assert all(set(each.again) <= set(before.files) for before, each in pairwise(made))
    assert plan(files, 4, SEED) == made != plan(files, 4, SEED + 1)


@retail.needs_files
@pytest.mark.long
def test_increments_end_in_the_tables_of_one_full_run(
    lake: Lake, lake_settings: LakeSettings, spark: SparkSession, tmp_path: Path
) -> None:
    print(f"SEED={SEED}")  # noqa: T201 - a failure shows what repeats it
    files = retail.days(default=2)
    grown = Replay(lake, lake_settings)
    for increment in plan(files, INCREMENTS, SEED):
        grown.take(increment)
    whole = Replay(*another_lake(spark, tmp_path / "the whole"))
    whole.take(Increment(tuple(files)))
    assert built(grown) == built(whole)
    facts_are_those_of_the_files(whole.lake, files)


def built(replay: Replay) -> dict[str, str]:
    """The tables; what is kept of bronze tells which deliveries there were, and when."""
    names = {table.name for table in tables.TABLES}
    return {name: hashed for name, hashed in replay.hashes().items() if name in names}


def facts_are_those_of_the_files(lake: Lake, files: list[Path]) -> None:
    release = latest_release(lake.catalog)
    assert release is not None
    with closing(recompute(lake.catalog, release, files)) as database:
        assert differing(database, "orders") == []
        assert differing(database, "facts") == []
        returned = "select count(*) from sold where status = 'returned'"
        assert database.execute("select count(*) from links").fetchall() == database.execute(returned).fetchall()
        unknown = "select count(*) from facts where user_key <> 0 or product_key <> 0 or store_key <> 0 or date_key = 0"
        assert database.execute(unknown).fetchall() == [(0,)]
