"""The same query by Spark: the tables of the release as views at their pinned snapshots."""

from pathlib import Path

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from shopsphere_kit import java, lake, maven
from shopsphere_kit.errors import InvalidArgument
from shopsphere_kit.lake import Release
from shopsphere_kit.settings import LakeSettings

from shopsphere_local.query import mentioned
from shopsphere_local.settings import REPOSITORY, announce_java

_JARS = REPOSITORY / "services" / "transform" / "transform" / "jars.lock"


def run(settings: LakeSettings, cache: Path, release: Release, sql: str) -> pa.Table:
    """Return the answer.

    Raises InvalidArgument with Spark's message when it does not understand the query, and NotFound when the release
    can no longer be read.
    """
    tables = mentioned(sql, release.snapshots)
    catalog = lake.open_catalog(settings)
    for table in tables:
        lake.readable(catalog, release, table)
    spark = _session(settings, cache)
    try:
        return answer(spark, settings.catalog_name, release, sql)
    finally:
        spark.stop()


def answer(spark: SparkSession, catalog_name: str, release: Release, sql: str) -> pa.Table:
    """Return the answer of a session whose own catalog, not the lake's, is the current one."""
    views = {table: f" version as of {release.snapshots[table]}" for table in mentioned(sql, release.snapshots)}
    views |= dict.fromkeys(mentioned(sql, [lake.RELEASES]), "")
    try:
        for schema in (lake.SILVER, lake.GOLD):
            spark.sql(f"create database if not exists {schema}")
        for table, version in views.items():
            source = f"{catalog_name}.{table}{version}"
            spark.sql(f"create or replace view {table} as select * from {source}")  # noqa: S608 - our names
        return spark.sql(sql).toArrow()
    except PySparkException as error:
        known = ", ".join(sorted(release.snapshots))
        raise InvalidArgument(f"{error}\ntables of {release.release_id}: {known}", field="query") from error


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
