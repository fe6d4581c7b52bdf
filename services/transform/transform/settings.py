"""Every knob of transform. Variables start with TRANSFORM_; the lake's are the platform's own (SHOPSPHERE_LAKE_*)."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from shopsphere_kit.settings import LakeSettings, RuntimeSettings, SuppressionSettings, refuse_placeholders

from transform.upkeep import Limits


class Settings(BaseSettings):
    """TRANSFORM_*, and the blocks that all services share."""

    model_config = SettingsConfigDict(env_prefix="TRANSFORM_", hide_input_in_errors=True)

    master: str = Field(
        "local[2]", description="local[cores], spark://host:port of a cluster, or sc://host:port of a Connect server"
    )
    driver_host: str = Field("127.0.0.1", description="address at which the workers of a cluster reach this process")
    executor_memory: str = Field("1g", description="heap of each executor of a cluster")
    executor_python: str = Field(sys.executable, description="the workers' Python, of the same version as this one")
    cluster_secret: SecretStr | None = Field(
        None, description="shared with the cluster's master and workers; without it a caller is refused"
    )
    driver_memory: str = Field(
        "1g", description="heap of the Spark driver; the whole of Spark when the master is local"
    )
    driver_java_options: str = Field(
        "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m",
        description="a run is a hundred short jobs: compiling them lightly took 67 CPU seconds where 104 were needed; "
        "with the 48 MB that Java keeps for that, it stops compiling after some ten runs",
    )
    shuffle_partitions: int = Field(4, ge=1, description="partitions after a shuffle; about twice the cores")
    cache_dir: Path = Field(Path(".local/cache"), description="where jars and the Java runtime are kept")
    scratch_dir: Path | None = Field(None, description="where Spark spills; default: the system's temporary folder")
    release_days: float = Field(7, ge=0, description="days a release can be read after a newer one took its place")
    maintain_snapshot_days: float = Field(7, gt=0, description="days after which maintenance expires a snapshot")
    maintain_snapshots: int = Field(
        200, ge=1, description="snapshots of a table; more than these expire before their days"
    )
    maintain_snapshot_minutes: float = Field(
        30, ge=5, description="minutes no snapshot expires before; longer than a run of transform reads bronze"
    )
    maintain_orphan_days: float = Field(
        3, ge=1, description="age in days of files that no snapshot names before they are removed"
    )
    maintain_sweep_hours: float = Field(24, ge=0, description="hours between two searches for such files in a table")
    runtime: RuntimeSettings = Field(default_factory=RuntimeSettings)
    suppression: SuppressionSettings = Field(default_factory=SuppressionSettings)
    lake: LakeSettings = Field(default_factory=lambda: LakeSettings())  # noqa: PLW0108 - mypy: required fields come from the environment

    @property
    def limits(self) -> Limits:
        """When maintenance is due."""
        return Limits(
            snapshot_age=timedelta(days=self.maintain_snapshot_days),
            snapshots_max=self.maintain_snapshots,
            snapshot_age_min=timedelta(minutes=self.maintain_snapshot_minutes),
            orphan_age=timedelta(days=self.maintain_orphan_days),
            sweep_every=timedelta(hours=self.maintain_sweep_hours),
            release_age=timedelta(days=self.release_days),
        )

    def refuse_placeholders(self) -> None:
        """Raise ValueError when a secret is a placeholder outside development."""
        secrets = {
            "SHOPSPHERE_LAKE_S3_SECRET_ACCESS_KEY": self.lake.s3_secret_access_key,
            "TRANSFORM_CLUSTER_SECRET": self.cluster_secret,
        }
        refuse_placeholders(self.runtime.environment, secrets)


@contextmanager
def handed_to_spark(java_home: Path, executor_python: str, properties: Path) -> Iterator[None]:
    """Tell Spark which Java and Python to start and where its configuration is; it takes these from the environment."""
    os.environ["JAVA_HOME"] = str(java_home)
    os.environ["PYSPARK_PYTHON"], os.environ["PYSPARK_DRIVER_PYTHON"] = executor_python, sys.executable
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"--properties-file {shlex.quote(str(properties))} pyspark-shell"
    try:
        yield
    finally:
        # The file lasts no longer than the block: another Spark that this process starts must not look for it.
        del os.environ["PYSPARK_SUBMIT_ARGS"]
