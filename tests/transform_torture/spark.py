"""One Spark of this process for all cases, as small as they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from transform import session
from transform.settings import Settings


@contextmanager
def started(empty: LakeSettings) -> Iterator[SparkSession]:
    """Spark on one core."""
    cache = State(LocalSettings().state_dir).cache
    spark = session.start(Settings(master="local[1]", shuffle_partitions=1, cache_dir=cache, lake=empty))
    try:
        yield spark
    finally:
        spark.stop()


def sessions_of(spark: SparkSession) -> Callable[[LakeSettings], SparkSession]:
    """Makes sessions, each with a lake as its catalog."""

    def on_lake(lake: LakeSettings) -> SparkSession:
        own = session.on_lake(spark, lake)
        session.tune(own, session.SMALL)
        return own

    return on_lake
