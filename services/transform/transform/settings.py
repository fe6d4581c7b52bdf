"""Every knob of transform. Variables start with TRANSFORM_; the lake's are the platform's own (SHOPSPHERE_LAKE_*)."""

import os
import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from shopsphere_kit.settings import LakeSettings, RuntimeSettings, refuse_placeholders


class Settings(BaseSettings):
    """TRANSFORM_*, and the blocks that all services share."""

    model_config = SettingsConfigDict(env_prefix="TRANSFORM_", hide_input_in_errors=True)

    master: str = Field("local[2]", description="Spark master: local[cores] or the address of a cluster")
    driver_memory: str = Field(
        "1g", description="heap of the Spark driver; the whole of Spark when the master is local"
    )
    driver_java_options: str = Field(
        "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        description="a run is a hundred short jobs: compiling them lightly took 67 CPU seconds where 104 were needed",
    )
    shuffle_partitions: int = Field(4, ge=1, description="partitions after a shuffle; about twice the cores")
    cache_dir: Path = Field(Path(".local/cache"), description="where jars and the Java runtime are kept")
    scratch_dir: Path | None = Field(None, description="where Spark spills; default: the system's temporary folder")
    runtime: RuntimeSettings = Field(default_factory=RuntimeSettings)
    lake: LakeSettings = Field(default_factory=lambda: LakeSettings())  # noqa: PLW0108 - mypy: required fields come from the environment

    def refuse_placeholders(self) -> None:
        """Raise ValueError when a secret is a placeholder outside development."""
        secrets = {"SHOPSPHERE_LAKE_S3_SECRET_ACCESS_KEY": self.lake.s3_secret_access_key}
        refuse_placeholders(self.runtime.environment, secrets)


def hand_to_spark(java_home: Path) -> None:
    """Tell Spark which Java and which Python to start; it takes both from the environment alone."""
    os.environ["JAVA_HOME"] = str(java_home)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
