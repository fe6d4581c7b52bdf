"""The same query by Spark: the tables of the release as views at their pinned snapshots."""

from pathlib import Path

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from shopsphere_kit import java, lake, maven
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.lake import Release
from shopsphere_kit.settings import LakeSettings

from shopsphere_local.settings import REPOSITORY, announce_java

_JARS = REPOSITORY / "services" / "transform" / "transform" / "jars.lock"


def run(settings: LakeSettings, cache: Path, release: Release, sql: str) -> pa.Table:
    """Return the answer; raises InvalidArgument with Spark's message when it does not understand the query."""
    spark = _session(settings, cache)
    try:
        for schema in (lake.SILVER, lake.GOLD):
            spark.sql(f"create database if not exists {schema}")
        for table, snapshot in release.snapshots.items():
            source = f"{settings.catalog_name}.{table}"
            spark.sql(f"create view {table} as select * from {source} version as of {snapshot}")  # noqa: S608 - our names
        return spark.sql(sql).toArrow()
    except PySparkException as error:
        raise InvalidArgument(str(error), field="query") from error
    finally:
        spark.stop()


def _session(settings: LakeSettings, cache: Path) -> SparkSession:
    jars = maven.resolve(_JARS, cache)
    announce_java(java.java_home(cache))
    conf = lake.spark_catalog_conf(settings) | {
        # Views live in the session's own catalog, which is in memory and dies with it.
        "spark.sql.defaultCatalog": "spark_catalog",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.jars": ",".join(str(jar) for jar in jars),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.warehouse.dir": str(cache / "spark-warehouse"),
    }
    builder = SparkSession.builder.master("local[2]").appName("shopsphere-sql")
    for name, value in conf.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
