"""One Spark session for all tests that need Spark: it costs ten seconds, so it starts on first use and is shared."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from shopsphere_kit.lake import open_catalog
from shopsphere_kit.settings import LakeSettings
from shopsphere_local.settings import LocalSettings
from shopsphere_local.state import State
from transform import session
from transform.settings import Settings
from transform.storage import Lake

_INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


def pytest_configure(config: pytest.Config) -> None:
    """Let py4j leave its sockets to the JVM to the garbage collector, as it does after every collect."""
    # It says goodbye at INFO when the interpreter ends, to handlers that pytest has closed by then.
    logging.getLogger("py4j").setLevel(logging.WARNING)
    config.addinivalue_line("filterwarnings", r"ignore:unclosed <socket.*127\.0\.0\.1:ResourceWarning")
    config.addinivalue_line("filterwarnings", r"ignore:unclosed <socket.*\.sock:ResourceWarning")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Spark on one core, on an empty lake of its own; for a lake per test ask for `lake`."""
    started = session.start(_settings(tmp_path_factory.mktemp("spark lake")))
    _interpret(started)
    yield started
    started.stop()


def _interpret(started: SparkSession) -> None:
    # Compiling a query costs far more than running it over ten rows.
    for name, value in _INTERPRETED.items():
        started.conf.set(name, value)


def _settings(folder: Path) -> Settings:
    empty = LakeSettings(catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    cache = State(LocalSettings().state_dir).cache
    return Settings(master="local[1]", shuffle_partitions=1, cache_dir=cache, lake=empty)


@pytest.fixture
def lake(spark: SparkSession, lake_settings: LakeSettings) -> Lake:
    """The empty lake of one test, as Spark and as PyIceberg see it."""
    own = session.on_lake(spark, lake_settings)
    _interpret(own)
    return Lake(lambda: own, open_catalog(lake_settings), lake_settings.catalog_name)


def another_lake(spark: SparkSession, folder: Path) -> tuple[Lake, LakeSettings]:
    """One more empty lake of a test, in a folder that is made."""
    (folder / "warehouse").mkdir(parents=True)
    settings = LakeSettings(catalog_uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    own = session.on_lake(spark, settings)
    _interpret(own)
    return Lake(lambda: own, open_catalog(settings), settings.catalog_name), settings
