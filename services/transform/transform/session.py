"""The Spark session: the same configuration for a laptop, a test and a cluster."""

from pathlib import Path

from pyspark.sql import SparkSession
from shopsphere_kit import java, lake, maven
from shopsphere_kit.settings import LakeSettings

from transform.settings import Settings, hand_to_spark

_LOCKS = Path(__file__).parent
JARS, JARS_FOR_S3 = _LOCKS / "jars.lock", _LOCKS / "jars-s3.lock"


def start(settings: Settings) -> SparkSession:
    """Start Spark, or return the session that this process has already."""
    jars = maven.resolve(JARS, settings.cache_dir)
    if settings.lake.s3_endpoint:
        jars += maven.resolve(JARS_FOR_S3, settings.cache_dir)
    hand_to_spark(java.java_home(settings.cache_dir))
    builder = SparkSession.builder.master(settings.master).appName("shopsphere-transform")
    for name, value in configuration(settings, jars).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def configuration(settings: Settings, jars: list[Path]) -> dict[str, str]:
    """The session's configuration; nothing listens beyond this machine, and all times are UTC."""
    conf = {
        "spark.jars": ",".join(str(jar) for jar in jars),
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.sql.adaptive.enabled": "true",
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC {settings.driver_java_options}",
    }
    if settings.scratch_dir:
        conf["spark.local.dir"] = str(settings.scratch_dir)
    return conf | lake.spark_catalog_conf(settings.lake)


def on_lake(spark: SparkSession, settings: LakeSettings) -> SparkSession:
    """A session of the same Spark whose catalog is another lake."""
    session = spark.newSession()
    for name, value in lake.spark_catalog_conf(settings).items():
        if name != "spark.sql.extensions":  # fixed when Spark starts
            session.conf.set(name, value)
    return session
