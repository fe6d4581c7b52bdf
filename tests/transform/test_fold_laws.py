"""The law of folds: what is kept of what is kept, and of what came since, is what is kept of everything."""

from collections import Counter
from random import Random

import pytest
from bronze_builders import Row, frame
from fold_builders import emptied_at, folded
from history_builders import Histories
from pyspark.sql import DataFrame, SparkSession
from transform.spec import Fold
from transform.tables import FOLDS

pytestmark = pytest.mark.servers
ROWS = 30
BATCHES = 3
Sources = list[list[Row]]


def a_history(fold: Fold, seed: int) -> Sources:
    chance = Random(seed)  # noqa: S311 - a test's rows, no secret
    return [Histories(name, chance).rows(ROWS) for name in fold.reads]


def in_batches(sources: Sources, seed: int) -> list[Sources]:
    """Each row in one of the batches; so batches overlap in position, and in the keys they are about."""
    chance = Random(seed)  # noqa: S311 - a test's rows, no secret
    parts: list[Sources] = [[[] for _ in sources] for _ in range(BATCHES)]
    for place, rows in enumerate(sources):
        for row in rows:
            chance.choice(parts)[place].append(row)
    return parts


def frames(spark: SparkSession, fold: Fold, sources: Sources) -> list[DataFrame]:
    return [frame(spark, name, rows) for name, rows in zip(fold.reads, sources, strict=True)]


def bag(rows: DataFrame) -> Counter[str]:
    return Counter(map(repr, rows.collect()))


def kept_batch_by_batch(spark: SparkSession, fold: Fold, batches: list[Sources]) -> DataFrame:
    """What the last of several runs keeps, each of which folds what came into what the one before kept."""
    kept: DataFrame | None = None
    emptied: list[str] = []
    for batch in batches:
        sources = frames(spark, fold, batch)
        emptied += [position for position in [emptied_at(fold, *sources)] if position]
        arrived = fold.arrive(*sources)
        rows = arrived if kept is None else arrived.unionByName(kept, allowMissingColumns=True)
        found = fold.fold(fold.standing(rows, max(emptied, default=None)))
        kept = spark.createDataFrame(found.collect(), fold.schema)
    assert kept is not None
    return kept


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("fold", FOLDS, ids=lambda fold: fold.name)
def test_whatever_comes_in_whichever_batch_the_same_is_kept(spark: SparkSession, fold: Fold, seed: int) -> None:
    history = a_history(fold, seed)
    together = folded(fold, *frames(spark, fold, history))
    found = bag(together)
    assert bag(kept_batch_by_batch(spark, fold, in_batches(history, seed))) == found
    assert found
    assert together.columns == fold.schema.names
    assert together.groupBy(*fold.grain).count().where("count > 1").isEmpty()
