"""The Spark session: the same configuration for a laptop, a test and a cluster."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession
from shopsphere_kit import java, lake, maven
from shopsphere_kit.settings import LakeSettings

from transform.errors import NoConnect, NotInProcess
from transform.settings import Settings, handed_to_spark

_LOCKS = Path(__file__).parent
JARS, JARS_FOR_S3 = _LOCKS / "jars.lock", _LOCKS / "jars-s3.lock"
_CONNECT = "sc://"
# Compiling a query to Java costs more than running it over a few thousand rows.
SMALL: Mapping[str, str] = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
}


class KeptSession:
    """One session for all of a process's work, started when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._spark: SparkSession | None = None

    def __call__(self) -> SparkSession:
        """The session."""
        if self._spark is None:
            self._spark = start(self._settings)
        return self._spark

    @property
    def is_started(self) -> bool:
        """Whether anything has asked for Spark yet."""
        return self._spark is not None

    def stop(self) -> None:
        """Stop Spark if it runs."""
        if self._spark is not None:
            self._spark.stop()
            self._spark = None


def start(settings: Settings) -> SparkSession:
    """Start Spark, or return the session that this process has already; of a Connect server, a session on it."""
    if settings.master.startswith(_CONNECT):
        return _on_server(settings)
    jars = maven.resolve(JARS, settings.cache_dir)
    if settings.lake.s3_endpoint:
        jars += maven.resolve(JARS_FOR_S3, settings.cache_dir)
    conf = configuration(settings, jars)
    java_home = java.java_home(settings.cache_dir)
    with properties_file(conf) as file, handed_to_spark(java_home, settings.executor_python, file):
        _start_java()
    builder = SparkSession.builder
    for name, value in conf.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _start_java() -> None:
    # What getOrCreate does first, but that puts the configuration, secrets too, on Java's command line. And a signal to
    # this process's group must leave Java be until the work in hand is done; Java ends when its standard input does.
    if SparkContext._gateway is None:  # noqa: SLF001 - there is no public name for starting Java alone
        gateway = launch_gateway(popen_kwargs={"process_group": 0})  # type: ignore[no-untyped-call]
        SparkContext._ensure_initialized(gateway=gateway)  # noqa: SLF001


def configuration(settings: Settings, jars: list[Path]) -> dict[str, str]:
    """The session's configuration; nothing listens beyond this machine by default, and all times are UTC."""
    conf = {
        "spark.master": settings.master,
        "spark.app.name": "shopsphere-transform",
        "spark.jars": ",".join(str(jar) for jar in jars),
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.host": settings.driver_host,
        "spark.driver.bindAddress": settings.driver_host,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        # Without it the first query waits for a Hive metastore to be looked for; every table here is in the lake.
        "spark.sql.catalogImplementation": "in-memory",
        # A run compiles some 500 pieces; of the 100 that Spark keeps the next run would find none (34 s for 46 s).
        "spark.sql.codegen.cache.maxEntries": "2000",
        # Else each answer has a port of its own, and whoever connects to that port first takes the answer away.
        "spark.python.unix.domain.socket.enabled": "true",
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC {settings.driver_java_options}",
    }
    if settings.scratch_dir:
        conf["spark.local.dir"] = str(settings.scratch_dir)
    return conf | large(settings) | _cluster(settings) | lake.spark_catalog_conf(settings.lake)


def _cluster(settings: Settings) -> dict[str, str]:
    if settings.master.startswith("local"):
        return {}
    conf = {
        "spark.executor.memory": settings.executor_memory,
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
    }
    if settings.cluster_secret:
        conf |= {
            "spark.authenticate": "true",
            "spark.authenticate.secret": settings.cluster_secret.get_secret_value(),
            "spark.network.crypto.enabled": "true",
        }
    return conf


def large(settings: Settings) -> dict[str, str]:
    """What suits many rows, and what a session starts with; `SMALL` is the other profile."""
    return {
        "spark.sql.codegen.wholeStage": "true",
        "spark.sql.codegen.factoryMode": "FALLBACK",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
    }


def tune(spark: SparkSession, profile: Mapping[str, str]) -> None:
    """Let the queries planned from now on run under a profile; what they answer is the same under each."""
    for name, value in profile.items():
        spark.conf.set(name, value)


@contextmanager
def tuned(spark: SparkSession, profile: Mapping[str, str]) -> Iterator[None]:
    """Let the queries planned inside the block run under a profile."""
    before = {name: spark.conf.get(name) for name in profile}
    tune(spark, profile)
    try:
        yield
    finally:
        tune(spark, {name: value for name, value in before.items() if value is not None})


def on_lake(spark: SparkSession, settings: LakeSettings) -> SparkSession:
    """A session of the same Spark whose catalog is another lake."""
    session = spark.newSession()
    _open_lake(session, settings)
    return session


def in_process(spark: SparkSession) -> SparkSession:
    """The session, for what looks into Spark's Java. Raises NotInProcess when it runs on a Connect server."""
    if not isinstance(spark, SparkSession):
        raise NotInProcess(
            "this needs Spark inside this process: set TRANSFORM_MASTER to local[2] or to spark://host:port",
            field="TRANSFORM_MASTER",
        )
    return spark


def _open_lake(spark: SparkSession, settings: LakeSettings) -> None:
    for name, value in lake.spark_catalog_conf(settings).items():
        if name != "spark.sql.extensions":  # fixed when Spark starts
            spark.conf.set(name, value)


def _on_server(settings: Settings) -> SparkSession:
    try:
        spark = SparkSession.builder.remote(settings.master).getOrCreate()
        tune(spark, {"spark.sql.session.timeZone": "UTC"} | large(settings))
        _open_lake(spark, settings.lake)
    except ImportError as error:
        raise NoConnect(
            f"TRANSFORM_MASTER={_CONNECT}… needs pyspark's Connect client ({error.name}): "
            "pip install 'pyspark[connect]', or set local[2]",
            field="TRANSFORM_MASTER",
        ) from error
    except PySparkException as error:
        raise NoConnect(f"the Connect server refused the session: {error}", field="TRANSFORM_MASTER") from error
    return spark


@contextmanager
def properties_file(conf: Mapping[str, str]) -> Iterator[Path]:
    """A file with the configuration, as Java reads it, while the block lasts."""
    # Java reads it when it starts and never again; a temporary file is readable by its owner alone.
    with tempfile.NamedTemporaryFile("w", suffix=".properties", encoding="utf-8") as file:
        file.writelines(f"{name}={_escaped(value)}\n" for name, value in conf.items())
        file.flush()
        yield Path(file.name)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
