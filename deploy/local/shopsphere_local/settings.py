"""The knobs of the local stack; the only module here that reads the environment."""

import os
import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parents[3]


class LocalSettings(BaseSettings):
    """SHOPSPHERE_STATE_DIR and SHOPSPHERE_PORT_BASE."""

    model_config = SettingsConfigDict(env_prefix="SHOPSPHERE_")

    state_dir: Path = Field(
        REPOSITORY / ".local", description="where data, logs, caches and credentials of the stack live"
    )
    port_base: int = Field(18000, ge=1024, le=65000, description="first port of the stack; it uses the next 50")


def inherited_environment() -> dict[str, str]:
    """Return a copy of this process's environment, which every child starts from."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def announce_java(home: Path) -> None:
    """Tell PySpark, which asks the environment of its own process alone, where Java and Python are."""
    os.environ.update(JAVA_HOME=str(home), PYSPARK_PYTHON=sys.executable)
